"""Find new series and give each its first model as soon as there is enough to learn from."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport
from ml_core.services.training.discovery import Discovery
from ml_core.services.training.first_models import FirstModels
from ml_core.services.training.waiting_series import WaitingSeries


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Look at all that telemetry holds, or only at the series named DEVICE:METRIC."""
    platform, policy, now = context.platform, context.settings.training, context.now
    waiting = WaitingSeries(
        series=platform.series,
        min_readings=context.settings.detector.min_readings,
        window=timedelta(days=policy.window_days),
        now=now,
        dry_run=context.dry_run,
    )
    discovery = Discovery(
        telemetry=platform.telemetry,
        series=platform.series,
        findings=platform.findings,
        waiting=waiting,
        first_models=FirstModels(
            telemetry=platform.telemetry,
            trainer=platform.trainer(context.run, now=now),
            promotion=platform.promotion(now=now),
            setbacks=platform.setbacks(now=now),
            waiting=waiting,
            calendar=platform.calendar,
            now=now,
        ),
        policy=policy,
        now=now,
        dry_run=context.dry_run,
    )
    tally = discovery.discover(context.run, only=series)
    return TaskReport(counts=asdict(tally), failures=tally.failed)
