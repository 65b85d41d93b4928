"""VUS-PR: the volume under precision and recall over thresholds and tolerances around the events.

Paparrizos et al., "Volume Under the Surface", VLDB 15 (2022), with the choices of the TSB-AD benchmark
(NeurIPS 2024): 250 thresholds by rank, tolerances of 0 to `buffer` readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import InvalidReadingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_THRESHOLDS = 250


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """Unlabelled readings near events, each with every event edge it lies near to.

    places: the readings, shape (m,), ascending. near: row in `places`, distance: readings to the edge.
    """

    places: NDArray[np.int64]
    near: NDArray[np.int64]
    distance: NDArray[np.int64]

    def weights(self, tolerance: int) -> NDArray[np.float64]:
        """How much of an event each place counts: sqrt(1 - d / tolerance) to half the tolerance, at most 1."""
        reached = self.distance <= tolerance // 2
        shares = np.sqrt(1.0 - self.distance[reached] / max(tolerance, 1))
        summed = np.bincount(self.near[reached], weights=shares, minlength=self.places.size)
        return np.minimum(summed, 1.0)


def vus_pr(labels: NDArray[np.bool_], scores: NDArray[np.float64], buffer: int) -> float:
    """VUS-PR in [0, 1] of `scores` (higher is stranger), shape (n,), against `labels`, shape (n,).

    buffer: the longest tolerance in readings, see `autocorrelation_buffer`.
    Raises InvalidReadingsError where no reading is labelled: precision means nothing there.
    """
    if labels.shape != scores.shape or labels.ndim != 1:
        raise InvalidReadingsError(f"labels {labels.shape} and scores {scores.shape} must be of one length")
    if not labels.any():
        raise InvalidReadingsError("VUS-PR needs at least one labelled reading, there is none")
    # A reading's rank is the first threshold that flags it; all else follows from ranks by counting.
    ranks = _rank(scores)
    edges = np.flatnonzero(np.diff(labels, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2] - 1
    surroundings = _find_surroundings(labels, starts, ends, buffer // 2)
    flagged = _count(ranks)
    inside = _count(ranks[labels])
    near = ranks[surroundings.places]
    areas = []
    for tolerance in range(buffer + 1):
        around = _count(near, surroundings.weights(tolerance))
        hits = inside + around
        recall = np.minimum(hits / (inside[-1] + around / 2.0), 1.0)
        touched = _share_touched(ranks, starts - tolerance // 2, ends + tolerance // 2)
        areas.append(float(np.dot(np.diff(recall * touched, prepend=0.0), hits / flagged)))
    return float(np.mean(areas))


def _rank(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Per reading the place of the highest threshold that it reaches."""
    descending = -np.sort(-scores)
    thresholds = descending[np.linspace(0, scores.size - 1, N_THRESHOLDS).astype(int)]
    return np.searchsorted(-thresholds, -scores, side="left")


def _count(ranks: NDArray[np.int64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """The summed weights of the readings that each threshold flags, shape (N_THRESHOLDS,)."""
    return np.cumsum(np.bincount(ranks, weights=weights, minlength=N_THRESHOLDS)).astype(np.float64)


def _find_surroundings(
    labels: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64], reach: int
) -> _Surroundings:
    distances = np.arange(1, reach + 1)
    places = np.concatenate([(starts[:, None] - distances).ravel(), (ends[:, None] + distances).ravel()])
    repeated = np.tile(distances, 2 * starts.size)
    within = (places >= 0) & (places < labels.size)
    within[within] = ~labels[places[within]]
    unique, near = np.unique(places[within], return_inverse=True)
    return _Surroundings(places=unique, near=near, distance=repeated[within])


def _share_touched(ranks: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per threshold, the share of the widened events (joined where they meet) with a flagged reading."""
    apart = starts[1:] > ends[:-1]
    firsts = np.maximum(starts[np.append(True, apart)], 0)
    lasts = np.minimum(ends[np.append(apart, True)], ranks.size - 1)
    bounds = np.column_stack([firsts, lasts + 1]).ravel()
    # The sentinel lets the last event end with the series.
    best = np.minimum.reduceat(np.append(ranks, N_THRESHOLDS), bounds)[::2]
    shares: NDArray[np.float64] = _count(best) / firsts.size
    return shares
