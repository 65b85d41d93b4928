"""Stretches without a label: a window that a champion learns from, and the week after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.corpus import Group
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings

LEAST_STEP_S = 60.0
"""Faster signals are aggregated before anything is made of them; a thousand readings of theirs are no week."""
GROUPS = ("nab", "ims")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How segments are cut, in readings."""

    window: int
    week: int
    """The window of the challenger is as long as the champion's, and ends with the week."""
    stride: int
    per_series: int


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What a champion learns from, and the week that follows on it."""

    series: str
    champion: Readings
    week: Readings

    def window_ending_with(self, week: Readings) -> Readings:
        """The challenger's training window, whose end is the week as it is or spoilt."""
        kept = len(self.champion) - len(week)
        known = _between(self.champion, len(self.champion) - kept, len(self.champion))
        return Readings(
            timestamps=np.concatenate([known.timestamps, week.timestamps]),
            values=np.concatenate([known.values, week.values]),
        )


def cut_segments(groups: Sequence[Group], layout: Layout) -> list[Segment]:
    """At most so many segments a series, spread evenly over its stretches without a label."""
    series = [metric for group in groups if group.name in GROUPS for unit in group.units for metric in unit.metrics]
    return [segment for each in series if each.step_s >= LEAST_STEP_S for segment in _cut(each, layout)]


def _cut(series: LabelledSeries, layout: Layout) -> Iterator[Segment]:
    starts = [
        start
        for first, end in _quiet_stretches(series)
        for start in range(first, end - layout.window - layout.week + 1, layout.stride)
    ]
    for start in _thin(starts, layout.per_series):
        middle, end = start + layout.window, start + layout.window + layout.week
        yield Segment(
            series=series.name,
            champion=_between(series.readings, start, middle),
            week=_between(series.readings, middle, end),
        )


def _quiet_stretches(series: LabelledSeries) -> list[tuple[int, int]]:
    """First and end position of each run of readings that lie in no labelled window."""
    quiet = np.ones(len(series.readings) + 2, dtype=np.bool_)
    quiet[[0, -1]] = False
    for window in series.windows:
        quiet[1 + series.n_training + window.first : 2 + series.n_training + window.last] = False
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _thin(starts: Sequence[int], most: int) -> Iterable[int]:
    if len(starts) <= most:
        return starts
    return [starts[int(place)] for place in np.linspace(0, len(starts) - 1, most).round()]


def _between(readings: Readings, first: int, end: int) -> Readings:
    return Readings(timestamps=readings.timestamps[first:end], values=readings.values[first:end])
