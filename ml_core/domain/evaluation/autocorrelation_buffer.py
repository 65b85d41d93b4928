"""How many readings around an event VUS-PR forgives: the length of the series' own pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_READINGS = 20_000
MOST_LAGS = 400
FIRST_LAG = 3
"""Shorter lags are the smoothness of the signal, not a pattern."""
SHORTEST_RISE = 3
LONGEST_RISE = 300
LONGEST_BUFFER = 125
"""Also the answer where no pattern shows."""


def autocorrelation_buffer(values: NDArray[np.float64]) -> int:
    """Readings of the most autocorrelated pattern of `values`, shape (n,), at most LONGEST_BUFFER.

    The rule of the TSB-AD benchmark: the highest local maximum of the autocorrelation.
    """
    correlations = _autocorrelate(values[:MOST_READINGS])[FIRST_LAG:]
    inner = correlations[1:-1]
    peaks = np.flatnonzero((inner > correlations[:-2]) & (inner > correlations[2:])) + 1
    if peaks.size == 0:
        return LONGEST_BUFFER
    highest = int(peaks[np.argmax(correlations[peaks])])
    if not SHORTEST_RISE <= highest <= LONGEST_RISE:
        return LONGEST_BUFFER
    return min(highest + FIRST_LAG, LONGEST_BUFFER)


def _autocorrelate(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Autocorrelation at lags 0 .. MOST_LAGS, by the Fourier transform; empty where nothing varies."""
    centred = values - values.mean()
    if not centred.any():
        return np.empty(0)
    size = 1 << (2 * values.size).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    covariances = np.fft.irfft(power, size)[: min(MOST_LAGS + 1, values.size)]
    correlations: NDArray[np.float64] = covariances / covariances[0]
    return correlations
