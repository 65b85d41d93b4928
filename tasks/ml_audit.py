"""Draw a few hours of yesterday that were not flagged, for people to look at: what alarms alone cannot tell."""

from __future__ import annotations

from datetime import UTC, timedelta

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport


def run(context: TaskContext) -> TaskReport:
    """Draw yesterday's hours (UTC); the same ones whenever it is asked, and none twice."""
    today = context.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    policy = context.settings.audit
    if context.dry_run:
        return TaskReport(counts={"drawn_at_most": policy.hours_per_day})
    drawn = context.platform.audits.draw(
        begin=today - timedelta(days=1),
        end=today,
        size=policy.hours_per_day,
        seed=policy.seed,
        at=context.now,
    )
    return TaskReport(counts={"drawn": drawn})
