"""The files by which Grafana is provisioned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Datasource:
    """How Grafana reaches the database."""

    uid: str
    address: str
    """HOST:PORT, or the folder of a local socket."""
    database: str
    user: str
    sslmode: str
    postgres_major: int
    password: str | None = field(default=None, repr=False)
    """None: Grafana takes it from its own environment, and no file holds it."""


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """Whom Grafana tells of alerts."""

    contact: Literal["nobody", "email", "webhook"] = "nobody"
    """nobody: rules are there, and Grafana tells whomever it tells by default."""
    own_policies: bool = False
    """Whether Grafana's tree of notification policies is replaced by one for these alerts."""


@dataclass(frozen=True, kw_only=True)
class FileChanges:
    """What was written or removed (in a dry run: would be), by paths within the folder; how many files were current."""

    written: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...] = ()


class GrafanaFiles(Protocol):
    """The provisioning folder: datasource, dashboard provider, dashboards, alerting."""

    def write(self, datasource: Datasource, *, dry_run: bool) -> FileChanges:
        """Bring every file up to date, each one all or nothing, and remove those of ours that are no longer wanted."""
        ...

    def differences(self, datasource: Datasource) -> Iterable[str]:
        """Lines of a unified diff from the folder to what would be written, without secrets."""
        ...
