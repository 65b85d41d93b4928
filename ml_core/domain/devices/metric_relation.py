"""Which metrics usually agree with another one, and what of its moves theirs do not account for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.devices.metric_moves import SCALES, median_of_known, robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_EFFECTIVE = 10.0
"""Independent pairs of changes below which no agreement is spoken of."""
BEYOND_CHANCE = 3.0
"""Standard errors of Fisher's z that an agreement must lie from none: 1 in 400 by chance."""
CLIPPED = 4.0
"""Robust standard deviations beyond which a change says no more about a slope."""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How two metrics' changes go together: rank correlation and the number of independent pairs behind it."""

    metric: int
    scale: int
    r: float
    n_effective: float


def find_relations(before: NDArray[np.float64], lead: int, *, agreement: float) -> list[Relation]:
    """Metrics whose changes before an onset agree with those of the lead, of changes (scales, metrics, cells).

    Of each metric the scale at which it agrees best. As readings follow each other, far fewer pairs of changes are
    independent than there are: Bartlett, J. R. Stat. Soc. 98 (1935), of the ranks.
    """
    found = (
        max((_relate(before[scale], lead, metric, scale) for scale in range(len(SCALES))), key=_strength)
        for metric in range(before.shape[1])
        if metric != lead
    )
    return [relation for relation in found if _strength(relation) > 0 and abs(relation.r) >= agreement]


def leave_unexplained(
    changes: NDArray[np.float64], lead: int, partners: Sequence[Relation], *, until: int
) -> NDArray[np.float64]:
    """The lead's changes less what its partners' let expect, shape (scales, 1, cells); slopes of cells before `until`.

    What partners say is the median of them, so that one of many that is wrong misleads nobody. A slope comes from the
    scale at which a partner agrees best and holds at all: what moves them moves them at once.
    """
    expected = [
        _slope(changes[it.scale, lead, :until], changes[it.scale, it.metric, :until]) * changes[:, it.metric]
        for it in partners
    ]
    left: NDArray[np.float64] = changes[:, lead] - median_of_known(np.array(expected), axis=0)
    return left[:, None, :]


def _strength(relation: Relation) -> float:
    """How far the agreement lies from chance; 0 where it does not lie far enough."""
    if relation.n_effective < LEAST_EFFECTIVE:
        return 0.0
    z = math.atanh(min(abs(relation.r), 1 - 1e-9)) * math.sqrt(relation.n_effective - 3)
    return abs(relation.r) if z >= BEYOND_CHANCE else 0.0


def _relate(changes: NDArray[np.float64], one: int, other: int, scale: int) -> Relation:
    x, y = changes[one], changes[other]
    both = np.isfinite(x) & np.isfinite(y)
    x, y = _ranks(x[both]), _ranks(y[both])
    if len(x) < LEAST_EFFECTIVE or not x.any() or not y.any():
        return Relation(metric=other, scale=scale, r=0.0, n_effective=0.0)
    r = float(np.mean(x * y))
    lags = np.arange(1, len(x) // 4)
    shared = _autocorrelation(x)[1 : len(x) // 4] * _autocorrelation(y)[1 : len(x) // 4]
    # The tail of it is noise, which must not count for pairs.
    ends = np.flatnonzero(shared <= 0)
    upto = int(ends[0]) if len(ends) else len(shared)
    inflation = 1 + 2 * float(np.sum((1 - lags[:upto] / len(x)) * shared[:upto]))
    return Relation(metric=other, scale=scale, r=r, n_effective=len(x) / inflation)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks with ties at their mean, as mean 0 and variance 1; zeros of a constant."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    spread = float(np.std(ranks))
    found: NDArray[np.float64] = (ranks - ranks.mean()) / spread if spread > 0 else np.zeros(len(values))
    return found


def _autocorrelation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of values with mean 0 and variance 1."""
    size = 2 * len(values)
    power = np.abs(np.fft.rfft(values, size)) ** 2
    found: NDArray[np.float64] = np.fft.irfft(power, size)[: len(values)] / len(values)
    return found


def _slope(y: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    """Least squares through nothing, of changes that are not extreme."""
    both = np.isfinite(x) & np.isfinite(y)
    width, height = (CLIPPED * float(robust_sd(side[both])) for side in (x, y))
    x, y = np.clip(x[both], -width, width), np.clip(y[both], -height, height)
    return float(x @ y / (x @ x)) if x.any() else 0.0
