"""A peak is worked off before it comes, and never sooner than it must be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.training.levelling import needed_now

JOBS = st.lists(st.integers(0, 8), max_size=60)
BUDGETS = st.integers(1, 20)


def work_off(runs_left: list[int], budget: int) -> list[list[int]]:
    """Run after run, the most urgent first: the jobs done by each, as how many runs they had left."""
    done = []
    waiting = sorted(runs_left)
    while waiting:
        count = max(needed_now(waiting, budget), sum(left == 0 for left in waiting))
        done.append(waiting[:count])
        waiting = [left - 1 for left in waiting[count:]]
    return done


@given(JOBS, BUDGETS)
def test_nothing_is_late_while_the_budget_lasts(runs_left: list[int], budget: int) -> None:
    """Where all can be done in time at all, no run exceeds its budget, and every job is done in time."""
    ordered = sorted(runs_left)
    lasts = all(place < budget * (left + 1) for place, left in enumerate(ordered))

    runs = work_off(runs_left, budget)

    assert not lasts or all(len(run) <= budget for run in runs)
    assert sum(len(run) for run in runs) == len(runs_left)


@given(JOBS, BUDGETS)
def test_no_more_than_must_be(runs_left: list[int], budget: int) -> None:
    """What later runs can do is left to them: with a budget for all at once nothing is brought forward."""
    must = sum(left == 0 for left in runs_left)

    assert min(must, budget) <= needed_now(runs_left, budget) <= min(len(runs_left), budget)
    assert needed_now(runs_left, len(runs_left) + 1) == must
