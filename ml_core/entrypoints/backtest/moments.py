"""When a replay works: daily tasks at their own slots, frequent ones every few hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.schedule import latest_slot, next_slot
from ml_core.manifest import TaskSpec

STEP = timedelta(hours=6)
"""Scoring in larger batches answers alike, so that a day of five-minute slots need not be played one by one."""
TASKS = ("ml_discover", "ml_score", "ml_health_check", "ml_degradation", "ml_retrain", "ml_escalate")
"""What decides something; the audit, the purge and Grafana's files do not."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A task that is to be run at a moment, for a slot at or before it."""

    spec: TaskSpec
    moment: datetime
    slot: datetime


def plan_runs(specs: Sequence[TaskSpec], *, begin: datetime, end: datetime) -> list[PlannedRun]:
    """All runs of a replay in their order: what is more frequent than a step is run before whatever is due."""
    rare = {spec.task_id: set(_slots(spec, begin, end)) for spec in specs if not _is_frequent(spec, begin)}
    moments = set(_steps(begin, end)).union(*rare.values())
    done: set[tuple[str, datetime]] = set()
    runs: list[PlannedRun] = []
    for moment in sorted(moments):
        for spec in specs:
            slot = latest_slot(spec.schedule, moment)
            is_due = slot == moment if spec.task_id in rare else (spec.task_id, slot) not in done
            if is_due:
                done.add((spec.task_id, slot))
                runs.append(PlannedRun(spec=spec, moment=moment, slot=slot))
    return runs


def _is_frequent(spec: TaskSpec, at: datetime) -> bool:
    first = next_slot(spec.schedule, at)
    return next_slot(spec.schedule, first) - first < STEP


def _slots(spec: TaskSpec, begin: datetime, end: datetime) -> Iterator[datetime]:
    slot = latest_slot(spec.schedule, begin)
    while slot <= end:
        if slot >= begin:
            yield slot
        slot = next_slot(spec.schedule, slot)


def _steps(begin: datetime, end: datetime) -> Iterator[datetime]:
    moment = begin
    while moment < end:
        yield moment
        moment += STEP
    yield end
