"""What a site would write in an hour: the seed's recipe, and a distance from the median."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings

ROBUST_LIMIT = 3.5
"""Iglewicz and Hoaglin (1993)."""
MAD_TO_SD = 1.4826


@dataclass(frozen=True, kw_only=True)
class ValueForest:
    """A forest on the raw value that flags a quota of its training readings."""

    contamination: float

    def __call__(self, training: Readings, scored: Readings) -> Answer:
        """scikit-learn's own decision function with the sign turned."""
        forest = IsolationForest(n_estimators=100, contamination=self.contamination, random_state=42)
        pipeline = make_pipeline(StandardScaler(), forest).fit(training.values.reshape(-1, 1))
        scores = -pipeline.decision_function(scored.values.reshape(-1, 1))
        return Answer(scores=scores, alarms=scores > 0)


def robust_z(training: Readings, scored: Readings) -> Answer:
    """Distance from the training median in robust standard deviations."""
    median = np.median(training.values)
    spread = MAD_TO_SD * np.median(np.abs(training.values - median))
    scores = np.abs(scored.values - median) / (spread if spread > 0 else 1e-9)
    return Answer(scores=scores, alarms=scores > ROBUST_LIMIT)
