"""Score new readings: anomalies into the log, episodes and hourly rollups, each reading once."""

from __future__ import annotations

from dataclasses import asdict

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport
from ml_core.services.scoring.alerting import Alerting
from ml_core.services.scoring.device_watch import DeviceWatch
from ml_core.services.scoring.fleet_scoring import Scoring


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Score every series that has an active model, or the one named DEVICE:METRIC."""
    platform = context.platform
    scoring = Scoring(
        series=platform.series,
        models=platform.models,
        telemetry=platform.telemetry,
        log=platform.scoring,
        artifacts=platform.artifact_cache,
        calendar=platform.calendar,
        devices=platform.devices,
        policy=context.settings.scoring,
        alerts=context.settings.alerts,
        grouping=context.settings.devices,
        now=context.now,
        dry_run=context.dry_run,
    )
    tally = scoring.score(context.run, only=series)
    if context.dry_run:
        return TaskReport(counts=asdict(tally), failures=tally.failed)
    watch = DeviceWatch(
        log=platform.devices,
        telemetry=platform.telemetry,
        calendar=platform.calendar,
        policy=context.settings.devices,
        alerts=context.settings.alerts,
        series_per_batch=context.settings.scoring.series_per_batch,
        now=context.now,
    )
    devices = watch.follow(context.run)
    alerting = Alerting(
        log=platform.alerts, channels=platform.alert_channels, policy=context.settings.alerts, now=context.now
    )
    failures = tally.failed + devices["device_episodes_failed"]
    return TaskReport(counts=asdict(tally) | devices | alerting.send_waiting(), failures=failures)
