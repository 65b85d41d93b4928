"""Plain statistics of one series' values that its model remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

IQR_OF_STANDARD_NORMAL = 1.3489795003921634
"""Interquartile range of a standard normal: turns an IQR into a deviation that outliers do not move."""


def standard_scale(values: NDArray[np.float64]) -> float:
    """The standard deviation; of values too close for one, their range, else 1; always over 0."""
    deviation, spread = float(values.std()), float(values.max() - values.min())
    return deviation or spread or 1.0


def robust_sd(values: NDArray[np.float64]) -> float:
    """IQR / 1.349, in the values' unit; where half of them are equal, `standard_scale`; always over 0."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) / IQR_OF_STANDARD_NORMAL or standard_scale(values)


def gross_outliers(values: NDArray[np.float64], fence_iqrs: float, max_share: float) -> NDArray[np.bool_]:
    """Which values lie more than `fence_iqrs` interquartile ranges beyond the quartiles (Tukey's far fences).

    None of them where they are more than `max_share`: then they are a state of the machine, not outliers; nor
    where half of the values are equal.
    """
    low, high = np.quantile(values, [0.25, 0.75])
    reach = fence_iqrs * (high - low)
    beyond: NDArray[np.bool_] = (values < low - reach) | (values > high + reach)
    return beyond if reach > 0 and beyond.mean() <= max_share else np.zeros(values.shape, dtype=np.bool_)


def flat_run_lengths(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lengths of the runs of equal consecutive values, in order; a lone value is a run of 1."""
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    return np.diff(np.append(starts, values.size)).astype(np.int64)
