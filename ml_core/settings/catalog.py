"""All settings in one value, section by section."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit

from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.policies import (
    AlertPolicy,
    AuditPolicy,
    DevicePolicy,
    DriftPolicy,
    EscalationPolicy,
    GatePolicy,
    HealthPolicy,
    RetentionPolicy,
    RetrainPolicy,
    ScoringPolicy,
    TrainingPolicy,
)
from ml_core.settings.sites import (
    ArtifactSettings,
    DatabaseSettings,
    ExecutionSettings,
    GitHubSettings,
    GrafanaSettings,
    HostSettings,
    SchedulerSettings,
    TelemetrySettings,
)


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
