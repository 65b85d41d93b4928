"""When a replay works: daily tasks when they are due, what they depend on before them, nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ml_core.entrypoints.backtest.moments import STEP, TASKS, PlannedRun, plan_runs
from ml_core.manifest import load_manifest

BEGIN = datetime(2026, 1, 5, 11, 7, tzinfo=UTC)
END = BEGIN + timedelta(days=3)


def plan() -> list[PlannedRun]:
    """Three days of the manifest."""
    return plan_runs([load_manifest().task(name) for name in TASKS], begin=BEGIN, end=END)


def of(task: str) -> list[PlannedRun]:
    """The runs of one task."""
    return [run for run in plan() if run.spec.task_id == task]


def test_daily_tasks_run_at_their_own_slots() -> None:
    """The health check at two in the morning of each of the three nights."""
    nights = [datetime(2026, 1, day, 2, 0, tzinfo=UTC) for day in (6, 7, 8)]

    assert [(run.slot, run.moment) for run in of("ml_health_check")] == [(night, night) for night in nights]
    assert [run.slot - night for run, night in zip(of("ml_retrain"), nights, strict=True)] == [
        timedelta(minutes=40)
    ] * 3


def test_frequent_tasks_run_every_few_hours_from_begin_to_end() -> None:
    """Never further apart than a step, first at the begin and last at the end."""
    moments = [run.moment for run in of("ml_score")]

    assert (moments[0], moments[-1]) == (BEGIN, END)
    assert max(b - a for a, b in pairwise(moments)) <= STEP


def test_no_slot_is_run_twice_and_none_ahead_of_its_time() -> None:
    """As in the run table."""
    runs = plan()

    assert len({(run.spec.task_id, run.slot) for run in runs}) == len(runs)
    assert all(run.slot <= run.moment for run in runs)
    assert [run.moment for run in runs] == sorted(run.moment for run in runs)


def test_what_a_task_depends_on_is_done_before_it() -> None:
    """Whatever has come is scored before health is judged, and health before anything is retrained."""
    runs = plan()
    for place, run in enumerate(runs):
        for name in set(run.spec.depends_on):
            before = [earlier for earlier in runs[:place] if earlier.spec.task_id == name]

            assert before[-1].moment > run.moment - timedelta(hours=1)
