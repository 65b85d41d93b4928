"""Readings of a device's metrics on one grid of time, whatever their cadences, around the moment of an onset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.scoring.episode import QUIET_READINGS
from ml_core.domain.series import Readings, SeriesKey, to_instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARLIEST = datetime.min.replace(tzinfo=UTC)
MOST_BEFORE = 2000
"""Cells before the onset that are looked at: what is usual is known from fewer than that."""
LEAST_BEFORE = 400
"""Cells that are looked for, however many days they take."""
MOST_AFTER = QUIET_READINGS
"""Cells after the onset: what comes later did not come together with it. All are known when an episode closes."""
UNKNOWN_INTERVAL_S = 600.0
SLOWEST = 10
"""Cells between two readings from which a metric reads too seldom to be compared with the others."""
HELD_INTERVALS = 2
"""A metric's own intervals for which its last value still holds."""


@dataclass(frozen=True, kw_only=True)
class MetricGrid:
    """One row a metric, one column a cell of time.

    values: shape (metrics, cells); the mean of a cell's readings, else the last value while it holds, else NaN.
    onset: column whose last instant is the onset; nothing in it or before it was read later.
    is_known: which metrics have been read at the onset or since, shape (metrics,).
    """

    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    onset: int
    is_known: NDArray[np.bool_]
    step_s: float

    @property
    def after(self) -> int:
        """Cells after the one of the onset."""
        return int(self.values.shape[1]) - 1 - self.onset


def look_around(
    onset: datetime, intervals: Mapping[SeriesKey, float | None], *, lead: SeriesKey, window_days: float, now: datetime
) -> dict[SeriesKey, tuple[datetime, datetime]]:
    """Where the readings lie that a judgement needs: of each series, after when and until when.

    `intervals` are seconds between readings, None where nobody knows. A window of days is widened where it would
    hold too few cells, and cut where it would hold more than are looked at.
    """
    known = [interval for interval in intervals.values() if interval]
    usual_s = intervals.get(lead) or (max(known) if known else UNKNOWN_INTERVAL_S)
    others = [interval for key, interval in intervals.items() if key != lead and interval]
    step = timedelta(seconds=_step_s(usual_s, others))
    cells = min(max(timedelta(days=window_days) / step, LEAST_BEFORE), MOST_BEFORE)
    until = min(now, onset + (MOST_AFTER + 1) * step)
    return {key: (max(onset - cells * step, EARLIEST), until) for key in {*intervals, lead}}


def align(readings: Mapping[str, Readings], *, lead: str, onset: datetime) -> MetricGrid | None:
    """The grid of the metrics that read often enough beside `lead`; None where the lead itself does not.

    A cell is as long as the lead's median interval, or that of most others where they are slower. Metrics are in
    the order of their names, whatever order they come in.
    """
    at = to_instant(onset)
    intervals = {metric: _interval_s(some, at) for metric, some in sorted(readings.items())}
    if lead not in intervals or not math.isfinite(intervals[lead]):
        return None
    others = [interval for metric, interval in intervals.items() if metric != lead and math.isfinite(interval)]
    step_s = _step_s(intervals[lead], others)
    metrics = tuple(metric for metric, interval in intervals.items() if interval <= SLOWEST * step_s)
    places = {metric: _places(readings[metric], at, step_s) for metric in metrics}
    before = min(MOST_BEFORE, -int(places[lead][0]))
    after = min(MOST_AFTER, max(int(places[metric][-1]) for metric in metrics))
    rows = [
        _row(
            readings[metric].values,
            places[metric],
            before,
            after,
            math.ceil(HELD_INTERVALS * intervals[metric] / step_s),
        )
        for metric in metrics
    ]
    return MetricGrid(
        metrics=metrics,
        values=np.array(rows),
        onset=before,
        is_known=np.array([readings[metric].timestamps[-1] >= at for metric in metrics]),
        step_s=step_s,
    )


def _step_s(lead_s: float, others_s: Sequence[float]) -> float:
    return max(lead_s, float(np.median(others_s)) if others_s else 0.0)


def _interval_s(readings: Readings, at: np.datetime64) -> float:
    """Median seconds between the readings up to the onset; infinite where there are too few to tell."""
    stamps = readings.timestamps[readings.timestamps <= at].astype(np.int64)
    return float(np.median(np.diff(stamps))) / 1e6 if len(stamps) >= 3 else math.inf


def _places(readings: Readings, at: np.datetime64, step_s: float) -> NDArray[np.int64]:
    """The cell of each reading: cell k is all after onset + (k - 1) steps, up to onset + k steps."""
    seconds = (readings.timestamps - at).astype(np.int64) / 1e6
    # A clock's jitter must not push a reading into the next cell.
    places: NDArray[np.int64] = np.ceil(seconds / step_s - 1e-6).astype(np.int64)
    return places


def _row(
    values: NDArray[np.float64], places: NDArray[np.int64], before: int, after: int, held: int
) -> NDArray[np.float64]:
    cells = before + after + 1
    inside = (places >= -before) & (places <= after)
    counts = np.bincount(places[inside] + before, minlength=cells)
    sums = np.bincount(places[inside] + before, weights=values[inside], minlength=cells)
    filled = counts > 0
    means = np.divide(sums, counts, out=np.full(cells, np.nan), where=filled)
    last = np.maximum.accumulate(np.where(filled, np.arange(cells), -1))
    may_hold = (last >= 0) & (np.arange(cells) - last <= held)
    row: NDArray[np.float64] = np.where(may_hold, means[last], np.nan)
    return row
