"""How far one part of a series has been from the rest of it: what is usual before anything drifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BLOCKS = 32
"""Overlapping blocks looked at: more of them say little that is new."""


@dataclass(frozen=True, kw_only=True)
class Distances:
    """How far two samples are apart."""

    kolmogorov: float
    """The largest distance between the two distribution functions, from 0 to 1."""
    wasserstein: float
    """The mean distance between the two quantile functions, in the values' unit."""


def block_starts(n: int, length: int) -> NDArray[np.int64]:
    """Where blocks of that many consecutive readings of n begin: spread evenly from the first to the last."""
    count = min(MAX_BLOCKS, n - length + 1)
    return np.unique(np.linspace(0, n - length, count).round().astype(np.int64))


def largest_distances(values: NDArray[np.float64], length: int) -> Distances:
    """The largest distances of a block of `length` consecutive values from all the others, 0 < length < n.

    With F the distribution of all n values and G that of a block of m, the block is n / (n - m) |G - F| from
    the rest, so that one sort serves all blocks.
    """
    n = values.size
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order])
    overall = np.arange(1, n) / n
    kolmogorov = wasserstein = 0.0
    for start in block_starts(n, length):
        inside = (order[:-1] >= start) & (order[:-1] < start + length)
        apart = np.abs(np.cumsum(inside, dtype=np.int32) / length - overall)
        # Within a run of equal values nothing is apart: only its end counts.
        kolmogorov = max(kolmogorov, float(apart.max(where=steps > 0, initial=0.0)))
        wasserstein = max(wasserstein, float(apart @ steps))
    scale = n / (n - length)
    return Distances(kolmogorov=kolmogorov * scale, wasserstein=wasserstein * scale)


def largest_outside_share(values: NDArray[np.float64], length: int) -> float:
    """The largest share of a block of `length` consecutive values outside of the range of all the others.

    From 0 to 1, for 0 < length < n: what a series did within its own history that a new day may do again.
    """
    before = [
        np.append(first, ends.accumulate(values)) for first, ends in ((np.inf, np.minimum), (-np.inf, np.maximum))
    ]
    after = [
        np.append(ends.accumulate(values[::-1])[::-1], last)
        for last, ends in ((np.inf, np.minimum), (-np.inf, np.maximum))
    ]
    share = 0.0
    for start in block_starts(values.size, length):
        block, end = values[start : start + length], start + length
        low, high = min(before[0][start], after[0][end]), max(before[1][start], after[1][end])
        share = max(share, float(np.mean((block < low) | (block > high))))
    return share


def block_means(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The mean of each block of `length` consecutive values, 0 < length <= n."""
    starts = block_starts(values.size, length)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means: NDArray[np.float64] = (sums[starts + length] - sums[starts]) / length
    return means
