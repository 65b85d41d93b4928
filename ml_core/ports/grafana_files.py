"""The files by which Grafana is provisioned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


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
class FileChanges:
    """What was written (in a dry run: would be), by paths within the folder, and how many files were current."""

    written: tuple[str, ...]
    unchanged: int


class GrafanaFiles(Protocol):
    """The provisioning folder: datasource, dashboard provider, dashboards."""

    def write(self, datasource: Datasource, *, dry_run: bool) -> FileChanges:
        """Bring every file up to date, each one all or nothing; those that are current are not touched."""
        ...
