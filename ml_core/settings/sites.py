"""How a site is reached and run: the sections of settings that are no rules of the domain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le

from ml_core.domain.policies import Count, Positive, setting
from ml_core.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """How PostgreSQL is reached."""

    url: str = field(
        default="",
        repr=False,
        metadata={
            "help": "Address of the platform's PostgreSQL; empty: the embedded one. "
            "Better given as ML_HEALTH_DATABASE_URL."
        },
    )
    connect_timeout_s: Count = setting(5, "Seconds to wait for a connection.")
    statement_timeout_s: Count = setting(300, "Seconds that one statement may take.")


@dataclass(frozen=True, kw_only=True)
class TelemetrySettings:
    """The one relation that holds readings, and the names of its columns."""

    relation: str = setting("ml_health.telemetry", "Table or view, with its schema.")
    device_column: str = setting("device_id", "Column of the device's id.")
    metric_column: str = setting("metric_name", "Column of the metric's name (`key` on some platforms).")
    value_column: str = setting("value", "Column of the numeric value.")
    timestamp_column: str = setting("timestamp", "Column of the time; without a zone it is read as UTC.")
    tenant_column: str = setting("", "Column of the tenant; empty where the site has none.")


@dataclass(frozen=True, kw_only=True)
class ArtifactSettings:
    """Where models lie."""

    url: str = setting("", "fsspec URL of the artifact store; empty: a folder in ML_HEALTH_HOME.")


@dataclass(frozen=True, kw_only=True)
class GitHubSettings:
    """Where issues are filed; without repository and token they are rendered into a folder."""

    repository: str = setting("", "OWNER/NAME of the repository.")
    token: str = field(
        default="",
        repr=False,
        metadata={"help": "Access token; give it as ML_HEALTH_GITHUB__TOKEN, not in a file."},
    )
    app_id: Annotated[int, Ge(0)] = setting(0, "Number of a GitHub App that files instead of a token's owner; 0: none.")
    installation_id: Annotated[int, Ge(0)] = setting(0, "Number of that app's installation in the repository.")
    app_key_path: str = setting("", "File of that app's private key (PEM), for its owner's eyes alone.")
    base_url: str = setting(
        "https://api.github.com", "Address of the API; of a GitHub Enterprise Server https://HOST/api/v3."
    )
    folder: str = setting("", "Folder of rendered issues where there is no token; empty: in ML_HEALTH_HOME.")

    def __post_init__(self) -> None:
        if self.repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository, re.ASCII):
            raise ConfigurationError(f"repository must be written OWNER/NAME, got {self.repository!r}")
        app = (bool(self.app_id), bool(self.installation_id), bool(self.app_key_path))
        if any(app) and not all(app):
            raise ConfigurationError("app_id, installation_id and app_key_path belong together: set all three or none")
        if self.app_id and self.token:
            raise ConfigurationError("token and app_id are two ways to the same end: set one of them")

    def read_app_key(self) -> str:
        """The app's private key; ConfigurationError where its file cannot be read."""
        try:
            return Path(self.app_key_path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError(f"github.app_key_path {self.app_key_path} cannot be read: {exc}") from exc

    @property
    def is_set(self) -> bool:
        """Whether issues are filed on GitHub."""
        return bool(self.repository and (self.token or self.app_id))


@dataclass(frozen=True, kw_only=True)
class GrafanaSettings:
    """What is written for Grafana's provisioning."""

    provisioning_dir: str = setting("", "Folder that Grafana reads; empty: `grafana` in ML_HEALTH_HOME.")
    dashboards_dir: str = setting(
        "", "Where Grafana itself sees the dashboards; empty: `dashboards/ml-health` in the provisioning folder."
    )
    database_address: str = setting(
        "", "HOST:PORT at which Grafana reaches PostgreSQL; empty: where this program does."
    )
    datasource_uid: str = setting("ml-health", "Fixed uid of the datasource.")
    reader_user: str = setting("ml_health_grafana", "Login that Grafana uses; a member of ml_health_reader.")
    site: str = setting("main", "Site of every device that the relation below does not name.")
    sites_relation: str = setting("", "TABLE or SCHEMA.TABLE that tells the site of each device; empty: none does.")
    sites_device_column: str = setting("device_id", "Its column with the device.")
    sites_site_column: str = setting("site", "Its column with the site.")
    alert_contact: Literal["nobody", "email", "webhook"] = setting(
        "nobody",
        "Whom Grafana tells of alerts: whomever it tells by default, the addresses in its environment's "
        "ML_HEALTH_ALERT_EMAIL, or the address in ML_HEALTH_ALERT_WEBHOOK_URL.",
    )
    own_policies: bool = setting(
        False, "Replace Grafana's tree of notification policies, for a Grafana that serves nothing else."
    )


@dataclass(frozen=True, kw_only=True)
class SchedulerSettings:
    """The embedded scheduler."""

    poll_s: Positive = setting(15.0, "Seconds between two looks at what is due.")


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """How this plugin behaves inside of a host's cycle."""

    run_due: bool = setting(True, "Whether the host's scan starts what is due; false beside `ml-health scheduler`.")
    max_wait_s: Annotated[float, Ge(0)] = setting(
        60.0, "Seconds for which a scan waits for what it started; what takes longer goes on by itself."
    )


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """How work on many series is spread."""

    backend: Literal["loky", "threading", "sequential"] = setting("sequential", "joblib backend that trains models.")
    jobs: Annotated[int, Ge(-1), Le(4096)] = setting(-1, "Workers; -1: one a core.")
