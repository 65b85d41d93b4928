"""How alarms are judged: what counts as an episode, as detected, as false and as luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.evaluation.labelled_scores import EventWindow, LabelledScores
from ml_core.domain.scoring.episode import QUIET_READINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING_SHARE = 0.15
MOST_TRAINING_READINGS = 750
"""NAB's probationary period: 15 % of a series, of at most 5,000 readings."""
EPISODE_GAP = QUIET_READINGS
"""Alarms so many readings apart, or fewer, are one episode."""
N_SHIFTS = 20
"""Circular shifts of the alarms whose mean recall is called chance."""
SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class AlarmTally:
    """Counts of one series. They add up over series, so that a corpus is judged by its sums.

    chance: events that the same alarms would detect at a random time, the mean over N_SHIFTS shifts.
    delays: per detected event, readings from its start to the first episode in it.
    delay_shares: the same as a share of the event's length.
    """

    events: int
    detected: int
    chance: float
    false_alarms: int
    normal_points: int
    flagged_normal_points: int
    normal_days: float
    delays: tuple[int, ...]
    delay_shares: tuple[float, ...]


def count_training_readings(n: int) -> int:
    """How many of the first of n readings are for training only."""
    return int(min(TRAINING_SHARE * n, MOST_TRAINING_READINGS))


def find_episodes(alarms: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First and last alarm of each episode, shape (k, 2): alarms at most EPISODE_GAP apart are one."""
    flagged = np.flatnonzero(alarms)
    opens = np.diff(flagged, prepend=-EPISODE_GAP - 1) > EPISODE_GAP
    closes = np.append(opens[1:], flagged.size > 0)[: flagged.size]
    return np.column_stack([flagged[opens], flagged[closes]]).astype(np.int64)


def tally_alarms(series: LabelledScores) -> AlarmTally:
    """Judge the alarms of one series."""
    episodes = find_episodes(series.alarms)
    detected = _first_starts(episodes[:, 0], series.windows)
    found = [(start, window) for start, window in zip(detected, series.windows, strict=True) if start is not None]
    normal = ~series.labels
    n_normal = int(normal.sum())
    return AlarmTally(
        events=len(series.windows),
        detected=len(found),
        chance=_count_by_chance(series.alarms, series.windows),
        false_alarms=_count_outside(episodes, series.windows),
        normal_points=n_normal,
        flagged_normal_points=int((series.alarms & normal).sum()),
        normal_days=n_normal * series.step_s / SECONDS_PER_DAY,
        delays=tuple(start - max(window.first, 0) for start, window in found),
        delay_shares=tuple((start - max(window.first, 0)) / window.length for start, window in found),
    )


def _first_starts(starts: NDArray[np.int64], windows: Sequence[EventWindow]) -> list[int | None]:
    """The first episode that starts inside each window; None where none does."""
    places = np.searchsorted(starts, [window.first for window in windows])
    return [
        int(starts[place]) if place < starts.size and starts[place] <= window.last else None
        for place, window in zip(places, windows, strict=True)
    ]


def _count_outside(episodes: NDArray[np.int64], windows: Sequence[EventWindow]) -> int:
    """Episodes that touch no window."""
    firsts = np.array([window.first for window in windows])
    lasts = np.array([window.last for window in windows])
    begun = np.searchsorted(firsts, episodes[:, 1], side="right")
    over = np.searchsorted(lasts, episodes[:, 0], side="left")
    return int((begun == over).sum())


def _count_by_chance(alarms: NDArray[np.bool_], windows: Sequence[EventWindow]) -> float:
    """Events detected by the alarms at other times: the mean over evenly spaced circular shifts."""
    if not windows:
        return 0.0
    counts = []
    for k in range(1, N_SHIFTS + 1):
        shifted = np.roll(alarms, round(k * alarms.size / (N_SHIFTS + 1)))
        starts = find_episodes(shifted)[:, 0]
        counts.append(sum(start is not None for start in _first_starts(starts, windows)))
    return float(np.mean(counts))
