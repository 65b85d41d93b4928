"""Has what a model sees moved away from what it learned? The test of one model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.drift import autocorrelation_time, ks_effective, wasserstein_in_iqr

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_TESTS = 2
"""Values and scores are tested, so the smaller p-value counts twice (Bonferroni)."""

WIDENING_MARGIN = 1.1
"""A little more than the arithmetic asks for, since readings come unevenly."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a model keeps of its training: held-out values and their scores, in time order, shape (n,)."""

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    interval_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class LiveSample:
    """What the model sees now: values and their scores, in time order, shape (n,)."""

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    interval_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class DriftTest:
    """The answer on one model: how improbable without drift, how large, on how much."""

    p_value: float
    effect: float
    """Wasserstein distance of the values in training IQRs."""
    n_effective: float
    """Independent readings that the live sample is worth; what the reference is worth is in the p-value."""
    reference_median: float
    live_median: float


def compare_with_reference(reference: Reference, live: LiveSample) -> DriftTest:
    """Test values and scores on their effective sample sizes.

    How long a series remembers is taken from the reference: it is longer than a day, and a day that drifts
    looks as if it remembered for ever, so that its drift could never be told.
    """
    ratio = _interval_ratio(reference, live)
    p_values, sizes = [], []
    for known, seen in ((reference.values, live.values), (reference.scores, live.scores)):
        memory = autocorrelation_time(known)
        live_memory = max(1.0, memory * ratio)
        p_values.append(ks_effective(known, seen, reference_tau=memory, live_tau=live_memory).p_value)
        sizes.append(seen.size / live_memory)
    return DriftTest(
        p_value=min(1.0, N_TESTS * min(p_values)),
        effect=wasserstein_in_iqr(reference.values, live.values),
        n_effective=min(sizes),
        reference_median=_median(reference.values),
        live_median=_median(live.values),
    )


def _interval_ratio(reference: Reference, live: LiveSample) -> float:
    """Readings now for each one in training: a series that reads more often remembers more readings."""
    if not reference.interval_s or not live.interval_s:
        return 1.0
    return reference.interval_s / live.interval_s


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size else math.nan


def widen(n_effective: float, *, least: float, hours: float, most_hours: float) -> float:
    """Hours of readings that are worth `least` independent ones, where `hours` were worth `n_effective`.

    No more than that: what is older than a drift hides it.
    """
    if n_effective <= 0:
        return most_hours
    return min(most_hours, math.ceil(hours * WIDENING_MARGIN * least / n_effective))
