"""The last readings before and at each reading, for rivals that look at shapes."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ml_core.domain.evaluation.autocorrelation_buffer import autocorrelation_buffer
from ml_core.domain.series import Readings

LEAST_WINDOWS = 3
"""A training part holds at least so many windows side by side."""


def cut_windows(training: Readings, scored: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Windows that end in the training part, and the one that ends at each scored reading, a row each.

    Their length is the training part's own pattern.
    """
    length = max(2, min(autocorrelation_buffer(training.values), len(training) // LEAST_WINDOWS))
    windows = sliding_window_view(np.concatenate([training.values, scored.values]), length)
    return windows[: len(training) - length + 1], windows[len(training) - length + 1 :]
