"""How much a figure of a corpus owes to the series that happen to be in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_ROUNDS = 1000
LEVELS = (0.025, 0.975)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(
    counts: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Estimate | None:
    """`statistic` of the corpus' sums, with its bootstrap interval over series (Efron's percentiles).

    counts: a row a series, shape (n_series, k). statistic: from sums, shape (m, k), to figures, shape (m,);
    not a number where the sums say nothing, as a recall without events. None where the whole corpus says nothing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(counts.sum(axis=0, keepdims=True))[0])
        drawn = statistic(_draw_weights(len(counts)) @ counts)
    if not np.isfinite(value):
        return None
    low, high = np.quantile(drawn[np.isfinite(drawn)], LEVELS)
    return Estimate(value=value, low=float(low), high=float(high))


def _draw_weights(n: int) -> NDArray[np.float64]:
    """How often each of n series is drawn in each round, shape (N_ROUNDS, n); the same at each call."""
    rng = np.random.default_rng(0)
    return rng.multinomial(n, np.full(n, 1.0 / n), size=N_ROUNDS).astype(np.float64)
