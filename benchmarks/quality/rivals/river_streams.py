"""river's detectors: each reading is scored, then learned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from river import anomaly, preprocessing

from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings

QUANTILE = 0.99
"""Of the training part's later half, where the model has seen something: the threshold."""


def half_space_trees(training: Readings, scored: Readings) -> Answer:
    """Half-space trees on the value, scaled to the range seen so far."""
    model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42)

    def step(value: float) -> float:
        reading = {"value": value}
        score = model.score_one(reading)
        model.learn_one(reading)
        return float(score)

    return _stream(step, training, scored)


def gaussian_scorer(training: Readings, scored: Readings) -> Answer:
    """How far out in a normal distribution of the readings so far."""
    model = anomaly.GaussianScorer()

    def step(value: float) -> float:
        score = model.score_one(None, value)
        model.learn_one(None, value)
        return float(score)

    return _stream(step, training, scored)


def _stream(step: Callable[[float], float], training: Readings, scored: Readings) -> Answer:
    before = np.array([step(value) for value in training.values.tolist()])
    scores = np.array([step(value) for value in scored.values.tolist()])
    return Answer(scores=scores, alarms=scores > np.quantile(before[before.size // 2 :], QUANTILE))
