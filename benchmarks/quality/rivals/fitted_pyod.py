"""PyOD's detectors that are fitted once and then judge each reading by itself."""

from __future__ import annotations

import numpy as np
from pyod.models.base import BaseDetector
from pyod.models.hbos import HBOS
from pyod.models.knn import KNN

from benchmarks.quality.rivals.sliding_windows import cut_windows
from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings

CONTAMINATION = 0.01


def histogram(training: Readings, scored: Readings) -> Answer:
    """HBOS on the value: how rarely its bin was visited."""
    return judge(HBOS(contamination=CONTAMINATION), training.values.reshape(-1, 1), scored.values.reshape(-1, 1))


def nearest_neighbours(training: Readings, scored: Readings) -> Answer:
    """KNN on windows of the last readings: the distance to the fifth nearest of training."""
    return judge(KNN(contamination=CONTAMINATION), *cut_windows(training, scored))


def judge(model: BaseDetector, training: np.ndarray, scored: np.ndarray) -> Answer:
    """Fit, score, and flag what lies beyond the model's own threshold."""
    model.fit(training)
    scores = np.nan_to_num(model.decision_function(scored), posinf=1e300)
    return Answer(scores=scores, alarms=scores > model.threshold_)
