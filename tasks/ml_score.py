"""Score new readings: anomalies into the log, episodes and hourly rollups, each reading once."""

from __future__ import annotations

from dataclasses import asdict

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport
from ml_core.services.scoring import Scoring


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Score every series that has an active model, or the one named DEVICE:METRIC."""
    platform = context.platform
    scoring = Scoring(
        series=platform.series,
        models=platform.models,
        telemetry=platform.telemetry,
        log=platform.scoring,
        artifacts=platform.artifact_cache,
        policy=context.settings.scoring,
        now=context.now,
        dry_run=context.dry_run,
    )
    tally = scoring.score(context.run, only=series)
    return TaskReport(counts=asdict(tally), failures=tally.failed)
