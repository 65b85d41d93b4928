"""The exact step form of a one-dimensional isolation forest: two sorted arrays instead of a hundred trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import ArtifactDamagedError, InvalidReadingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from sklearn.ensemble import IsolationForest


@dataclass(frozen=True, kw_only=True)
class StepForest:
    """A fitted forest on one feature: its score is a step function of the value.

    breakpoints: shape (m,), float32, strictly ascending; interval i is (breakpoints[i-1], breakpoints[i]].
    scores: shape (m + 1,), float64, scikit-learn's `score_samples` on each interval.
    offset: scikit-learn's `offset_`.
    """

    breakpoints: NDArray[np.float32]
    scores: NDArray[np.float64]
    offset: float

    def __post_init__(self) -> None:
        points, scores = self.breakpoints, self.scores
        if points.dtype != np.float32 or scores.dtype != np.float64 or scores.shape != (points.size + 1,):
            raise ArtifactDamagedError(
                f"a step forest needs m float32 breakpoints and m + 1 float64 scores, "
                f"got {points.dtype}{points.shape} and {scores.dtype}{scores.shape}; train the model again"
            )
        if not (np.isfinite(points).all() and np.isfinite(scores).all() and (points[1:] > points[:-1]).all()):
            raise ArtifactDamagedError("a step forest's breakpoints must be finite and ascend; train the model again")

    def interval_of(self, values: ArrayLike) -> NDArray[np.intp]:
        """The interval of each value, shape (n,); values are rounded to float32 as scikit-learn does."""
        # A value beyond float32's range becomes an infinity, which the last interval on its side takes.
        with np.errstate(over="ignore"):
            points = np.asarray(values, dtype=np.float64).astype(np.float32)
        if np.isnan(points).any():
            raise InvalidReadingsError("a value is not a number (nan); drop it before scoring")
        return np.searchsorted(self.breakpoints, points, side="left")

    def score_samples(self, values: ArrayLike) -> NDArray[np.float64]:
        """Scikit-learn's `score_samples` bit for bit, shape (n,), in [-1, 0); lower is stranger."""
        return self.scores[self.interval_of(values)]

    def decision_function(self, values: ArrayLike) -> NDArray[np.float64]:
        """`score_samples - offset`, shape (n,): below 0 is an outlier."""
        return self.score_samples(values) - self.offset

    def predict(self, values: ArrayLike) -> NDArray[np.int64]:
        """-1 for an outlier, +1 for an inlier, shape (n,)."""
        return np.where(self.decision_function(values) < 0, -1, 1).astype(np.int64)


def compile_forest(forest: IsolationForest) -> StepForest:
    """The step form of a fitted forest on one feature, equal to scikit-learn's own scores bit for bit.

    Scikit-learn itself scores one representative of each interval, so no formula is repeated here.
    """
    if forest.n_features_in_ != 1:
        raise InvalidReadingsError(
            f"only a forest on one feature has a step form, this one has {forest.n_features_in_}"
        )
    points = _split_points(forest)
    scores = np.asarray(forest.score_samples(_representatives(points).reshape(-1, 1)), dtype=np.float64)
    kept = scores[1:] != scores[:-1]  # equal neighbours are one interval
    return StepForest(
        breakpoints=points[kept],
        scores=np.append(scores[:-1][kept], scores[-1]),
        offset=float(forest.offset_),
    )


def _split_points(forest: IsolationForest) -> NDArray[np.float32]:
    """All thresholds of all trees as float32, ascending, each once."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    thresholds = np.concatenate([tree.threshold[tree.feature >= 0] for tree in trees])
    return np.unique(_floor_to_float32(thresholds))


def _floor_to_float32(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 at or below each threshold: for float32 x, `x <= t` and `x <= floor(t)` are one."""
    nearest = thresholds.astype(np.float32)
    with np.errstate(over="ignore"):  # the number below float32's lowest, which no threshold needs
        below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest.astype(np.float64) > thresholds, below, nearest)


def _representatives(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """One float32 of each interval: its upper end, and the next number after the last breakpoint."""
    if points.size == 0:
        return np.zeros(1, dtype=np.float32)
    return np.append(points, np.nextafter(points[-1], np.float32(np.inf)))
