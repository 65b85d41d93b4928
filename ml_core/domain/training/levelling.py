"""How much of a coming peak must be worked off now, so that a budget a run is enough later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def needed_now(runs_left: Iterable[int], budget: int) -> int:
    """How many of the jobs this run must do so that the later ones can do the rest in time, at most `budget`.

    runs_left: of each job, how many runs after this one are still in time for it, from 0. By the last run that is
    in time for them, C(r) jobs with at most r runs left need C(r) <= budget * (r + 1); what exceeds the r later
    runs is for this one (the demand-bound test of earliest deadline first: Baruah, Rosier and Howell, 1990).
    """
    needed = jobs = 0
    for left, count in sorted(Counter(runs_left).items()):
        jobs += count
        needed = max(needed, jobs - budget * left)
    return min(needed, budget)
