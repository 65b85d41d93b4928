"""Hourly rollups of scoring: the latency histogram's bounds and what is read out of it."""

from __future__ import annotations

from collections.abc import Sequence

LATENCY_BOUNDS_MS: tuple[float, ...] = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Upper bounds of the latency buckets in milliseconds; one more bucket holds what is slower."""


def bucket_of(latency_ms: float) -> int:
    """The index of the bucket that a latency falls into, 0 to len(LATENCY_BOUNDS_MS)."""
    return next(
        (i for i, bound in enumerate(LATENCY_BOUNDS_MS) if latency_ms <= bound), len(LATENCY_BOUNDS_MS)
    )


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
