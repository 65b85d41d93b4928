"""PyOD's ECOD without its look-ahead: each reading against those before it and itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np

from ml_core.domain.evaluation.scorer import Answer
from ml_core.domain.series import Readings

RARE = 0.01
"""Probability, of both tails together, below which a reading is an alarm."""


def expanding_ecod(training: Readings, scored: Readings) -> Answer:
    """-log of the empirical probability of the shorter tail.

    Li et al., TKDE 2022. PyOD's `decision_function` ranks a reading among all of its batch; one reading at
    a time, after everything before it, is what it answers without the future (a test compares the two).
    """
    seen = sorted(training.values.tolist())
    scores = np.empty(len(scored))
    for place, value in enumerate(scored.values.tolist()):
        insort(seen, value)
        shorter = min(bisect_right(seen, value), len(seen) - bisect_left(seen, value))
        scores[place] = -np.log(shorter / len(seen))
    return Answer(scores=scores, alarms=scores > -np.log(RARE / 2))
