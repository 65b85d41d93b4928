"""An isolation forest that sees recent behaviour instead of the bare value, and is trained again as time goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings

SPANS = (12, 48)
REFIT_EVERY = 500
MOST_TRAINING = 5_000
CONTAMINATION = 0.01


def window_forest(training: Readings, scored: Readings) -> Answer:
    """Value, change, and mean, deviation and spread over the last hour's and day's worth of readings."""
    features = _describe(np.concatenate([training.values, scored.values]))
    scores = np.empty(len(scored))
    for start in range(len(training), len(features), REFIT_EVERY):
        forest = IsolationForest(n_estimators=100, contamination=CONTAMINATION, random_state=42)
        forest.fit(features[max(0, start - MOST_TRAINING) : start])
        end = min(start + REFIT_EVERY, len(features))
        scores[start - len(training) : end - len(training)] = -forest.decision_function(features[start:end])
    return Answer(scores=scores, alarms=scores > 0)


def _describe(values: np.ndarray) -> np.ndarray:
    series = pd.Series(values)
    columns = [series, series.diff().fillna(0.0)]
    for span in SPANS:
        window = series.rolling(span, min_periods=1)
        columns += [window.mean(), series - window.mean(), window.std().fillna(0.0)]
    return np.column_stack(columns)
