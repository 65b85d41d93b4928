"""Which settings a replay may change, and what of them never reaches the world outside of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.errors import ConfigurationError
from ml_core.settings import (
    ArtifactSettings,
    DatabaseSettings,
    GitHubSettings,
    Settings,
    TelemetrySettings,
    change_settings,
)

REPLAYED = (
    "detector", "training", "scoring", "health", "drift", "retrain", "gate", "alerts", "devices", "escalation",
)  # fmt: skip
"""The sections that rules depend on; the others say where things lie and who is told."""
OUTSIDE = ("alerts.log_path", "escalation.by")
"""Keys of those sections that a replay decides itself: its alerts and issues stay within."""


def vary(settings: Settings, changes: Sequence[str]) -> Settings:
    """The site's settings with others, each written SECTION.KEY=VALUE.

    Raises ConfigurationError naming the key and its bound, also where nothing would be different.
    """
    parts = dict(_split(change) for change in changes)
    if len(parts) < len(changes):
        raise ConfigurationError(f"--set {', '.join(changes)}: each setting may be given once")
    varied = change_settings(settings, parts)
    for kind in (varied.training.kind, *varied.training.kind_by_pattern.values()):
        detector_of_kind(kind)
    if varied == settings:
        raise ConfigurationError(f"--set {', '.join(changes)}: this is what the site has today, nothing would differ")
    return varied


def _split(change: str) -> tuple[str, str]:
    name, separator, value = change.partition("=")
    section = name.partition(".")[0]
    if not separator:
        raise ConfigurationError(f"--set {change!r} has no value; write SECTION.KEY=VALUE")
    if section not in REPLAYED:
        raise ConfigurationError(
            f"--set {name}: a backtest replays settings of the sections {', '.join(REPLAYED)}, not of {section!r}"
        )
    if name in OUTSIDE:
        raise ConfigurationError(f"--set {name}: a backtest tells nobody, so this would make no difference")
    return name, value


def look_back(settings: Settings) -> timedelta:
    """How far before its first moment a replay needs readings: to train, and for the longest look of a check."""
    health, drift = settings.health.widened_days, settings.drift.widened_days
    return timedelta(days=max(settings.training.window_days, health, drift, settings.devices.window_days))


def shut_in(settings: Settings, home: Path) -> Settings:
    """The same rules on a site of their own: embedded database, own files, issues into a folder, alerts into a file."""
    return replace(
        settings,
        home=home,
        config_path=None,
        database=DatabaseSettings(statement_timeout_s=settings.database.statement_timeout_s),
        telemetry=TelemetrySettings(),
        artifacts=ArtifactSettings(),
        github=GitHubSettings(),
        alerts=replace(settings.alerts, log_path=""),
        escalation=replace(settings.escalation, by="plugin"),
    )
