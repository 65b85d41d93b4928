"""How strange a value is to a fitted forest, inside its training range and beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import ArtifactDamagedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.detectors.isolation import StepForest

MAX_DISTANCE_SD = 1e100
"""Distances end here, so that a reading of 1e308 still has a finite score."""


@dataclass(frozen=True, kw_only=True)
class Nonconformity:
    """a(x) = -score_samples((x - mean) / scale) + d(x), for a value x in the metric's unit.

    d is the distance beyond [range_low, range_high], the fitted values' range, in robust standard
    deviations: the forest alone is flat there, so without d all values outside would look alike.
    """

    forest: StepForest
    mean: float
    scale: float
    range_low: float
    range_high: float
    robust_sd: float

    def __post_init__(self) -> None:
        if not (self.scale > 0 and self.robust_sd > 0 and self.range_low <= self.range_high):
            raise ArtifactDamagedError("scale, robust_sd or range is impossible; train the model again")

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """a(x) of each finite value, shape (n,): over 0, rising strictly with distance beyond the range."""
        return -self.forest.score_samples(self._standardise(values)) + self.distance(
            values, self.range_low, self.range_high
        )

    def distance(self, values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
        """How far each value lies outside of [low, high], in robust standard deviations, shape (n,)."""
        with np.errstate(over="ignore"):
            outside = np.maximum(values - high, low - values) / self.robust_sd
        return np.clip(outside, 0.0, MAX_DISTANCE_SD)

    def band(self, threshold: float, around: float) -> tuple[float, float]:
        """The interval of values around `around` with a(x) <= threshold, in the metric's unit.

        Where `around` itself is strange, the nearest such interval; where all values are, `around` alone.
        """
        normal = -self.forest.scores <= threshold
        if not normal.any():
            return around, around
        home = int(self.forest.interval_of(self._standardise(np.array([around])))[0])
        first, last = _run_around(normal, home)
        low = self._edge(first - 1) if first > 0 else self.range_low - self._room(threshold, 0)
        high = self._edge(last) if last < normal.size - 1 else self.range_high + self._room(threshold, -1)
        return low, high

    def _standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            standardised: NDArray[np.float64] = (values - self.mean) / self.scale
        return standardised

    def _edge(self, interval: int) -> float:
        """The upper end of an interval in the metric's unit."""
        return float(self.forest.breakpoints[interval]) * self.scale + self.mean

    def _room(self, threshold: float, interval: int) -> float:
        """How far beyond the range a value may lie before the threshold is reached, in the metric's unit."""
        return (threshold + float(self.forest.scores[interval])) * self.robust_sd


def _run_around(normal: NDArray[np.bool_], home: int) -> tuple[int, int]:
    """First and last interval of the run of normal ones that holds `home`, or lies nearest to it."""
    candidates = np.flatnonzero(normal)
    nearest = int(candidates[np.argmin(np.abs(candidates - home))])
    strange = np.flatnonzero(~normal)
    cut = int(np.searchsorted(strange, nearest))
    first = int(strange[cut - 1]) + 1 if cut > 0 else 0
    last = int(strange[cut]) - 1 if cut < strange.size else normal.size - 1
    return first, last
