"""Remove old versions, artifacts, detections and history, never more than expected without being asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_core.bootstrap import TaskContext
from ml_core.domain.blast_radius import BlastRadius
from ml_core.domain.retention import PurgePlan
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
    expected = purge.expect(days_since_last=_days_since_last(context), retrain_days=settings.retrain.due_until_days)
    if context.dry_run:
        done = PurgeDone()
    else:
        purge.require_consent(plan, expected, confirm)
        done = purge.carry_out(plan, context.run)
    names = {record.series_id: str(record.key) for record in platform.series.list_series()} if plan.versions else {}
    return TaskReport(counts=_count(plan, done), findings=list(_tell(plan, done, expected, names)))


def _days_since_last(context: TaskContext) -> float | None:
    last = context.platform.runs.latest("ml_purge", until=context.slot, outcomes=[Outcome.SUCCEEDED])
    return None if last is None else (context.slot - last.slot).total_seconds() / 86400


def _count(plan: PurgePlan, done: PurgeDone) -> dict[str, int]:
    return {
        "versions": len(plan.versions) - len(done.stayed),
        "versions_stayed": len(done.stayed),
        "orphans": len(plan.orphans),
        "partitions": len(plan.partitions),
        "archived_rows": done.archived_rows,
        "history_rows": done.history_rows,
        "bytes_trashed": done.bytes_trashed,
        "bytes_freed": done.bytes_freed,
    }


def _tell(plan: PurgePlan, done: PurgeDone, expected: BlastRadius, names: dict[int, str]) -> Iterator[dict[str, Any]]:
    for version in plan.versions:
        stayed = ", stayed: somebody pinned it or put it to use" if version in done.stayed else ""
        yield _finding(f"version {version.version}, {version.status.value}{stayed}", names.get(version.series_id))
    for sha256 in plan.orphans:
        yield _finding(f"orphan artifact {sha256}")
    for name in plan.partitions:
        yield _finding(f"partition {name}")
    if plan.removals or plan.partitions:
        need = "needs no confirmation" if expected.holds(plan) else f"needs --param confirm={plan.plan_hash}"
        yield _finding(f"plan {plan.plan_hash}: {need}")


def _finding(message: str, series: str | None = None) -> dict[str, Any]:
    return {"severity": "info", "check": "purge", "series": series, "message": message}
