"""From held-out nonconformities to a calibrated tail: how rare is a value, and which value is that rare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import ArtifactDamagedError, InsufficientDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

GRID_POINTS = 65
"""Points of the quantile grid that stands for the body of the distribution."""
LEAST_HELD_OUT = 10
"""Fewer held-out values say nothing about a tail."""
MAX_SHAPE = 0.4
"""Below 0.5 the tail has a variance; heavier estimates come from too few values, not from machines."""
TAIL_SHARE = 0.1
MIN_TAIL_VALUES = 10
MAX_TAIL_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class TailModel:
    """P(A >= a) of a nonconformity A: empirical up to the tail's start, generalised Pareto above it.

    grid: shape (GRID_POINTS,), ascending quantiles at evenly spaced levels 0 .. 1 - tail_share; the last
    is the tail's start. scale > 0 and 0 <= shape <= MAX_SHAPE are the Pareto parameters.
    """

    grid: NDArray[np.float64]
    tail_share: float
    scale: float
    shape: float

    def __post_init__(self) -> None:
        ascends = self.grid.ndim == 1 and self.grid.size >= 2 and bool((np.diff(self.grid) >= 0).all())
        if not ascends or not np.isfinite(self.grid).all():
            raise ArtifactDamagedError("a tail's grid must be finite and ascend; train the model again")
        if not (0 < self.tail_share < 1 and 0 < self.scale < np.inf and 0 <= self.shape <= MAX_SHAPE):
            raise ArtifactDamagedError(
                f"a tail needs 0 < share < 1, scale > 0 and 0 <= shape <= {MAX_SHAPE}, got "
                f"{self.tail_share}, {self.scale} and {self.shape}; train the model again"
            )

    @classmethod
    def fit(cls, held_out: ArrayLike, *, autocorrelation_time: float = 1.0) -> TailModel:
        """Calibrate on held-out nonconformities, shape (n,); ties are allowed; raises InsufficientDataError.

        autocorrelation_time: how many consecutive values tell as much as one independent value does.
        """
        values = np.sort(np.asarray(held_out, dtype=np.float64))
        if values.size < LEAST_HELD_OUT:
            raise InsufficientDataError(
                f"{values.size} held-out values are too few for a threshold, {LEAST_HELD_OUT} are needed"
            )
        n_tail = _tail_count(values.size)
        # (k + 1) / (n + 1) of k values above: a fresh value is one more draw (Vovk's conformal p-value).
        tail_share = (n_tail + 1) / (values.size + 1)
        body = values[: values.size - n_tail]
        start = float(body[-1])
        scale, shape = _fit_pareto(
            values[values.size - n_tail :] - start,
            n_effective=n_tail / max(autocorrelation_time, 1.0),
            least_scale=_least_scale(values),
        )
        return cls(
            grid=np.quantile(body, np.linspace(0.0, 1.0, GRID_POINTS)),
            tail_share=tail_share,
            scale=scale,
            shape=shape,
        )

    def tail_probability(self, nonconformities: ArrayLike) -> NDArray[np.float64]:
        """P(A >= a) of each a, in [0, 1], never rising with a; of tied values the first one's."""
        a = np.asarray(nonconformities, dtype=np.float64)
        return np.where(a > self.grid[-1], self._tail(a), self._body(a))

    def level(self, rate: float) -> float:
        """The value that is exceeded with probability `rate`, 0 < rate < 1."""
        if rate >= self.tail_share:
            return float(np.interp(1.0 - rate, self._levels(), self.grid))
        log_ratio = float(np.log(self.tail_share / rate))
        steps = log_ratio if self.shape == 0 else float(np.expm1(self.shape * log_ratio)) / self.shape
        return float(self.grid[-1]) + self.scale * steps

    def _levels(self) -> NDArray[np.float64]:
        return np.linspace(0.0, 1.0 - self.tail_share, self.grid.size)

    def _body(self, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """The empirical part: at a tie the lowest level counts, so that ties are never called rare."""
        above = np.clip(np.searchsorted(self.grid, a, side="left"), 1, self.grid.size - 1)
        low, high = self.grid[above - 1], self.grid[above]
        width = np.where(high > low, high - low, 1.0)
        with np.errstate(over="ignore"):  # neighbours a denormal apart: the quotient is clipped anyway
            share = np.clip((a - low) / width, 0.0, 1.0)
        levels = self._levels()
        body: NDArray[np.float64] = 1.0 - (levels[above - 1] + share * (levels[above] - levels[above - 1]))
        return body

    def _tail(self, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """The generalised Pareto part; its exponential limit where the shape is 0."""
        steps = np.maximum(a - self.grid[-1], 0.0) / self.scale
        exponents = steps if self.shape == 0 else np.log1p(self.shape * steps) / self.shape
        tail: NDArray[np.float64] = self.tail_share * np.exp(-exponents)
        return tail


def _tail_count(n: int) -> int:
    """How many of n values make the tail: a tenth, at least ten, never over a quarter."""
    return max(2, min(max(round(n * TAIL_SHARE), MIN_TAIL_VALUES), int(n * MAX_TAIL_SHARE)))


def _least_scale(values: NDArray[np.float64]) -> float:
    """A scale over rounding noise, for tails that are all ties."""
    spread = float(values[-1] - values[0])
    return max(1e-3 * spread, 1e-6 * float(np.abs(values).max()), 1e-12)


def _fit_pareto(excesses: NDArray[np.float64], *, n_effective: float, least_scale: float) -> tuple[float, float]:
    """Scale and shape of a generalised Pareto by probability-weighted moments, the shape held in its bounds.

    Hosking and Wallis, Technometrics 29 (1987): with b0 the mean and b1 the mean weighted by 1 - p, the shape
    is 2 - b0 / (b0 - 2 b1) and the scale b0 (1 - shape). The least shape is that of the predictive law of an
    exponential tail whose scale is known from n_effective excesses only: (1 + x / (n scale)) ** -n.
    """
    ordered = np.sort(excesses)
    exceeded = 1.0 - (np.arange(1, ordered.size + 1) - 0.35) / ordered.size
    b0, b1 = float(ordered.mean()), float((exceeded * ordered).mean())
    spread = b0 - 2.0 * b1
    shape = min(max(2.0 - b0 / spread, 0.0), MAX_SHAPE) if spread > 0 else 0.0
    return max(b0 * (1.0 - shape), least_scale), min(max(shape, 1.0 / n_effective), MAX_SHAPE)
