"""Remove old versions, artifacts, detections and history, never more than expected without being asked."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import Outcome, TaskReport
from ml_core.services.retention import Purge, PurgeDone


def run(context: TaskContext, *, confirm: str | None = None) -> TaskReport:
    """Purge; `confirm` is the hash of a plan that is larger than expected."""
    platform, settings = context.platform, context.settings
    purge = Purge(
        models=platform.models,
        artifacts=platform.artifacts,
        retention=platform.retention,
        archive=platform.archive,
        policy=settings.retention,
        now=context.now,
    )
    plan = purge.plan()
    if context.dry_run:
        return _report(PurgeDone(plan=plan))
    last = platform.runs.latest("ml_purge", outcomes=[Outcome.SUCCEEDED])
    purge.check_size(
        plan,
        days_since_last=1.0 if last is None else (context.slot - last.slot).total_seconds() / 86400,
        retrain_days=settings.retrain.due_until_days,
        confirm=confirm,
    )
    return _report(purge.carry_out(plan, context.run))


def _report(done: PurgeDone) -> TaskReport:
    findings = [
        {"severity": "info", "check": "purge", "series": None, "message": f"{what} {name}"}
        for what, names in (
            (
                "version",
                [f"{version.version} of series {version.series_id}" for version in done.plan.versions],
            ),
            ("orphan artifact", done.plan.orphans),
            ("partition", done.plan.partitions),
        )
        for name in names
    ]
    if done.plan.size:
        findings.append(
            {"severity": "info", "check": "purge", "series": None, "message": f"plan {done.plan.plan_hash}"}
        )
    return TaskReport(
        counts={
            "versions": len(done.plan.versions),
            "orphans": len(done.plan.orphans),
            "partitions": len(done.plan.partitions),
            "archived_rows": done.archived_rows,
            "history_rows": done.history_rows,
            "bytes_freed": done.bytes_freed,
        },
        findings=findings,
    )
