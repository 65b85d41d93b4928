"""Sub-PCA, the best classical method of the TSB-AD benchmark, fitted on the training part only."""

from __future__ import annotations

import numpy as np
from pyod.models.pca import PCA

from benchmarks.quality.rivals.fitted_pyod import judge
from benchmarks.quality.rivals.sliding_windows import cut_windows
from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings
from ml_core.errors import UnmodellableSeriesError

CONTAMINATION = 0.01


def sub_pca(training: Readings, scored: Readings) -> Answer:
    """Distances of the last readings' window to the principal directions, weighted by their variance."""
    if np.ptp(training.values) == 0:
        raise UnmodellableSeriesError("the training readings are constant; they have no principal directions")
    # Directions without any variance would be divided by zero.
    model = PCA(contamination=CONTAMINATION, n_components=0.9999)
    return judge(model, *cut_windows(training, scored))
