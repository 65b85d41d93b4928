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
    ordered = values[order]
    starts = block_starts(n, length)[:, np.newaxis]
    inside = (order >= starts) & (order < starts + length)
    share = np.cumsum(inside, axis=1) / length
    apart = np.abs(share - np.arange(1, n + 1) / n) * (n / (n - length))
    steps = np.diff(ordered)
    between = apart[:, :-1]
    return Distances(
        kolmogorov=float(np.max(between * (steps > 0), initial=0.0)),
        wasserstein=float(np.max(between @ steps, initial=0.0)),
    )


def block_means(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The mean of each block of `length` consecutive values, 0 < length <= n."""
    starts = block_starts(values.size, length)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means: NDArray[np.float64] = (sums[starts + length] - sums[starts]) / length
    return means
