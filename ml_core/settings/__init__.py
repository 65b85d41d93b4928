"""Settings: every default and its help in one place, read once from a file and the environment."""

from ml_core.settings.catalog import Settings, section_types
from ml_core.settings.loading import change_settings, load_settings
from ml_core.settings.sites import (
    ArtifactSettings,
    DatabaseSettings,
    ExecutionSettings,
    GitHubSettings,
    GrafanaSettings,
    HostSettings,
    TelemetrySettings,
)

__all__ = [
    "ArtifactSettings",
    "DatabaseSettings",
    "ExecutionSettings",
    "GitHubSettings",
    "GrafanaSettings",
    "HostSettings",
    "Settings",
    "TelemetrySettings",
    "change_settings",
    "load_settings",
    "section_types",
]
