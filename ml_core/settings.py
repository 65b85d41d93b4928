"""Settings: read once, from a TOML file and the environment; every default and its help in one place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import unquote, urlsplit

from annotated_types import Ge, Le
from platformdirs import user_config_path, user_data_path
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ml_core.domain.detector import FitOptions
from ml_core.domain.policies import (
    AlertPolicy,
    AuditPolicy,
    Count,
    DevicePolicy,
    DriftPolicy,
    EscalationPolicy,
    GatePolicy,
    HealthPolicy,
    Positive,
    RetentionPolicy,
    RetrainPolicy,
    ScoringPolicy,
    TrainingPolicy,
    setting,
)
from ml_core.errors import ConfigurationError

ENV_PREFIX = "ML_HEALTH_"
SYSTEM_CONFIG = Path("/etc/ml-health/config.toml")
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_ENV_APART = {
    "ML_HEALTH_CONFIG", "ML_HEALTH_HOME", "ML_HEALTH_DATABASE_URL",
    # Grafana's own, which `ml-health grafana` reads too.
    "ML_HEALTH_GRAFANA_URL", "ML_HEALTH_GRAFANA_TOKEN", "ML_HEALTH_GRAFANA_PASSWORD", "ML_HEALTH_ALERT_EMAIL",
    "ML_HEALTH_ALERT_WEBHOOK_URL",
}  # fmt: skip


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


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; each section is a policy of the domain or a technical matter."""

    home: Path
    """Embedded data, artifacts, rendered issues (ML_HEALTH_HOME)."""
    database: DatabaseSettings = DatabaseSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    detector: FitOptions = FitOptions()
    training: TrainingPolicy = TrainingPolicy()
    scoring: ScoringPolicy = ScoringPolicy()
    health: HealthPolicy = HealthPolicy()
    drift: DriftPolicy = DriftPolicy()
    retrain: RetrainPolicy = RetrainPolicy()
    gate: GatePolicy = GatePolicy()
    alerts: AlertPolicy = AlertPolicy()
    devices: DevicePolicy = DevicePolicy()
    audit: AuditPolicy = AuditPolicy()
    escalation: EscalationPolicy = EscalationPolicy()
    github: GitHubSettings = GitHubSettings()
    retention: RetentionPolicy = RetentionPolicy()
    grafana: GrafanaSettings = GrafanaSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    host: HostSettings = HostSettings()
    execution: ExecutionSettings = ExecutionSettings()
    config_path: Path | None = None
    """The file that was read, if any."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never be printed."""
        addresses = (self.database.url, self.artifacts.url, self.retention.archive_url)
        passwords = (password for address in addresses for password in _passwords(address))
        secrets = (self.github.token, self.database.url, *passwords)
        return tuple(secret for secret in secrets if secret)


def section_types() -> dict[str, type[Any]]:
    """The sections by name, in the order of the example configuration."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: kind for name, kind in hints.items() if is_dataclass(kind)}  # type: ignore[misc]


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file, then the environment over it; unknown keys are refused by name."""
    env = os.environ if environ is None else environ
    path = _config_path(env)
    tables = _read_file(path) if path else {}
    _override(tables, env)
    home = Path(env.get("ML_HEALTH_HOME") or user_data_path("ml-health")).expanduser().resolve()
    sections = {name: _build(name, kind, tables.pop(name, {})) for name, kind in section_types().items()}
    if tables:
        raise ConfigurationError(f"unknown section [{next(iter(tables))}]; known: {', '.join(section_types())}")
    return Settings(home=home, config_path=path, **sections)


def change_settings(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings with some others: SECTION.KEY and its value as it is written in the environment.

    Raises ConfigurationError naming what is unknown, or which bound a value breaks.
    """
    kinds = section_types()
    tables: dict[str, dict[str, Any]] = {}
    for name, text in changes.items():
        section, _, key = name.partition(".")
        if section not in kinds:
            known = ", ".join(kinds)
            raise ConfigurationError(f"unknown setting {name!r}; the form is SECTION.KEY with a section of {known}")
        held = {item.name: getattr(getattr(settings, section), item.name) for item in fields(kinds[section])}
        _put(tables.setdefault(section, held), kinds[section], key, text)
    return replace(settings, **{section: _build(section, kinds[section], table) for section, table in tables.items()})


def _passwords(address: str) -> tuple[str, ...]:
    """The passwords within an address, as they stand there and as they are typed; fsspec joins URLs by `::`."""
    passwords: list[str] = []
    for url in address.split("::"):
        try:
            password = urlsplit(url).password or ""
        except ValueError:  # an address that is no URL is refused where it is used
            continue
        passwords += [password, unquote(password)]
    return tuple(passwords)


def _config_path(env: Mapping[str, str]) -> Path | None:
    named = env.get("ML_HEALTH_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not _is_file(path):
            raise ConfigurationError(f"ML_HEALTH_CONFIG names {path}, which is not a file")
        return path
    candidates = (SYSTEM_CONFIG, user_config_path("ml-health") / "config.toml")
    return next((path for path in candidates if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from exc


def _read_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from exc
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: {name} stands outside of a section; known: {', '.join(section_types())}")
    return tables


def _override(tables: dict[str, dict[str, Any]], env: Mapping[str, str]) -> None:
    kinds = section_types()
    for variable, text in env.items():
        if not variable.startswith(ENV_PREFIX) or variable in _ENV_APART or variable.startswith("ML_HEALTH_TEST_"):
            continue
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if not separator or section not in kinds:
            raise ConfigurationError(
                f"unknown setting {variable}; the form is {ENV_PREFIX}SECTION__KEY with a section of {', '.join(kinds)}"
            )
        _put(tables.setdefault(section, {}), kinds[section], key, text)
    if env.get("ML_HEALTH_DATABASE_URL"):
        tables.setdefault("database", {})["url"] = env["ML_HEALTH_DATABASE_URL"]


def _put(table: dict[str, Any], kind: type[Any], key: str, text: str) -> None:
    """A value that was written as text into a section's table."""
    wanted = get_type_hints(kind, include_extras=True).get(key)
    table[key] = text if _is_text(wanted) else _parse(text)


def _is_text(kind: Any) -> bool:
    return kind is str or (get_origin(kind) is Literal and all(isinstance(word, str) for word in get_args(kind)))


def _parse(text: str) -> Any:
    """A TOML value where it reads as one (numbers, true, lists), else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _build(section: str, kind: type[Any], table: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    known = {item.name: item for item in fields(kind)}
    for key in table:
        if key not in known:
            raise ConfigurationError(f"unknown setting {section}.{key}; known: {', '.join(sorted(known))}")
    # What is not set by default is written as "", as TOML has no word for it.
    given = {key: value for key, value in table.items() if not (value == "" and known[key].default is None)}
    values = {key: _check(f"{section}.{key}", hints[key], value) for key, value in given.items()}
    try:
        return kind(**values)
    except ConfigurationError as exc:
        raise ConfigurationError(f"setting {section}.{exc}") from exc


def _check(name: str, kind: Any, value: Any) -> Any:
    """The value, if it is of this kind and within its bounds; nothing is converted, so that a 1 is not true."""
    # TOML's lists are Python's, a frozen policy holds tuples.
    plain = tuple(value) if isinstance(value, list) else value
    try:
        return TypeAdapter(kind, config=_STRICT).validate_python(plain)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        inner = "".join(f".{part}" for part in first["loc"])
        raise ConfigurationError(f"setting {name}{inner}: {first['msg']}") from exc
