"""Find new series and give each its first model as soon as there is enough to learn from."""

from __future__ import annotations

from dataclasses import asdict

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport
from ml_core.services.discovery import Discovery


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Look at all that telemetry holds, or only at the series named DEVICE:METRIC."""
    discovery = Discovery(
        telemetry=context.platform.telemetry,
        trainer=context.platform.trainer(now=context.now),
        promotion=context.platform.promotion(now=context.now),
        now=context.now,
        dry_run=context.dry_run,
    )
    tally = discovery.discover(context.run, only=series)
    return TaskReport(counts=asdict(tally), failures=tally.failed)
