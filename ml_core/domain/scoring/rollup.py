"""Hourly rollups of scoring: what is summed, the latency histogram's bounds and what is read out of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LATENCY_BOUNDS_MS: tuple[float, ...] = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Upper bounds of the latency buckets in milliseconds; one more bucket holds what is slower."""


@dataclass(frozen=True, kw_only=True)
class HourlyActivity:
    """What one batch adds to one hour of a series; the hour is that of the readings, not of the work."""

    hour: datetime
    scored: int = 0
    anomalies: int = 0
    episodes: int = 0
    """Episodes that opened in this hour."""
    late: int = 0
    dropped: int = 0
    out_of_range: int = 0
    latency_ms: float | None = None
    """Wall time of the batch's scoring call, told in the hour of its newest reading."""

    @property
    def calls(self) -> int:
        """Scoring calls told in this hour: one or none."""
        return 0 if self.latency_ms is None else 1

    @property
    def latency_buckets(self) -> list[int]:
        """The latency histogram, len(LATENCY_BOUNDS_MS) + 1 counts."""
        buckets = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        if self.latency_ms is not None:
            buckets[bucket_of(self.latency_ms)] = 1
        return buckets


def roll_up(events: Mapping[str, NDArray[np.datetime64]], *, latency_ms: float | None) -> list[HourlyActivity]:
    """Count instants by hour, ascending; `events` names a count of HourlyActivity and when it happened.

    A scoring call is told in the hour of the newest `scored` instant.
    """
    counted: dict[int, dict[str, int]] = {}
    for name, instants in events.items():
        if len(instants) == 0:
            continue
        hours, counts = np.unique(instants.astype("datetime64[h]").astype(np.int64), return_counts=True)
        for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
            counted.setdefault(hour, {})[name] = count
    newest = max((hour for hour, counts in counted.items() if "scored" in counts), default=None)
    return [
        HourlyActivity(
            hour=datetime.fromtimestamp(hour * 3600, UTC),
            latency_ms=latency_ms if hour == newest else None,
            **counted[hour],
        )
        for hour in sorted(counted)
    ]


def bucket_of(latency_ms: float) -> int:
    """The index of the bucket that a latency falls into, 0 to len(LATENCY_BOUNDS_MS)."""
    return bisect_left(LATENCY_BOUNDS_MS, latency_ms)


def latency_quantile_ms(buckets: Sequence[int], share: float) -> float | None:
    """Upper bound in ms of the bucket that holds the given share of calls; None without calls.

    The last, open bucket answers infinity.
    """
    total = sum(buckets)
    if total == 0:
        return None
    seen = 0
    for count, bound in zip(buckets, (*LATENCY_BOUNDS_MS, float("inf")), strict=True):
        seen += count
        if seen >= share * total:
            return bound
    return float("inf")
