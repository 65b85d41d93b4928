"""The daily health check: every active model gets a verdict with its reasons."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import Outcome, TaskReport
from ml_core.services.health.health_check import HealthCheck
from ml_core.services.health.health_writer import HealthTally, HealthWriter
from ml_core.services.health.live_evidence import LiveEvidenceLoader
from ml_core.services.health.series_health import SeriesJudge
from ml_core.services.open_findings import tell_observations, tell_open_findings

TASK = "ml_health_check"


def run(context: TaskContext, *, series: str | None = None) -> TaskReport:
    """Check every series and the platform itself, or only the series named DEVICE:METRIC."""
    platform, settings, now = context.platform, context.settings, context.now
    check = HealthCheck(
        series=platform.series,
        models=platform.models,
        artifacts=platform.artifacts,
        evidence=LiveEvidenceLoader(
            telemetry=platform.telemetry,
            activity=platform.activity,
            verdicts=platform.verdicts,
            policy=settings.health,
            now=now,
        ),
        checks=platform.checks,
        judge=SeriesJudge(policy=settings.health, max_failures=settings.training.max_failures, now=now),
        writer=HealthWriter(
            series=platform.series,
            checks=platform.checks,
            findings=platform.findings,
            now=now,
            dry_run=context.dry_run,
        ),
        policy=settings.health,
        series_per_batch=settings.scoring.series_per_batch,
        now=now,
        dry_run=context.dry_run,
    )
    tally = check.check_series(context.run, only=series)
    if series is None:
        last = platform.runs.latest(TASK, until=now, outcomes=[Outcome.SUCCEEDED, Outcome.PARTIAL])
        check.check_fleet(tally, last_finished_at=None if last is None else last.finished_at)
    return _report(context, tally)


def _report(context: TaskContext, tally: HealthTally) -> TaskReport:
    if context.dry_run:
        records = {record.series_id: record for record in context.platform.series.list_series()}
        findings = tell_observations(tally.observations, records, now=context.now)
    else:
        findings = tell_open_findings(context.platform.findings, tally.series_ids, now=context.now)
    by_health = {health.value: count for health, count in tally.health.items()}
    return TaskReport(
        counts={"series": len(tally.series_ids), **by_health, **tally.actions},
        findings=findings,
        failures=tally.failed,
    )
