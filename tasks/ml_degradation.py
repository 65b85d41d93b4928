"""The daily degradation check: which models no longer see what they learned."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.task import TaskReport
from ml_core.services.health.degradation import Degradation
from ml_core.services.health.drift_tests import DriftTester
from ml_core.services.health.drift_writer import DriftTally, DriftWriter
from ml_core.services.open_findings import tell_observations, tell_open_findings


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Test every active model against its reference, or only that of the series named DEVICE:METRIC."""
    platform, settings = context.platform, context.settings
    degradation = Degradation(
        series=platform.series,
        models=platform.models,
        tester=DriftTester(
            telemetry=platform.telemetry, artifacts=platform.artifacts, policy=settings.drift, now=context.now
        ),
        checks=platform.checks,
        findings=platform.findings,
        writer=DriftWriter(
            series=platform.series,
            checks=platform.checks,
            findings=platform.findings,
            now=context.now,
            dry_run=context.dry_run,
        ),
        policy=settings.drift,
        series_per_batch=settings.scoring.series_per_batch,
        now=context.now,
    )
    return _report(context, degradation.check(context.run, only=series))


def _report(context: TaskContext, tally: DriftTally) -> TaskReport:
    seen = [*tally.observations, *tally.shown] if context.dry_run else tally.shown
    records = {record.series_id: record for record in context.platform.series.list_series()} if seen else {}
    findings = tell_observations(seen, records, now=context.now)
    if not context.dry_run:
        findings += tell_open_findings(
            context.platform.findings,
            tally.series_ids,
            now=context.now,
            checks=[CheckName.DRIFT, CheckName.COMMON_MODE_DRIFT, CheckName.DRIFT_CANARY],
        )
    return TaskReport(counts=tally.figures, findings=findings, failures=tally.failed)
