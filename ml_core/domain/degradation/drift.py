"""Whether two samples of an autocorrelated series differ: statistic, honest p-value, effect size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW_FACTOR = 5.0
"""Lags are summed up to this many autocorrelation times (Sokal, Monte Carlo Methods, 1996, section 3)."""


@dataclass(frozen=True, kw_only=True)
class DriftStatistic:
    """A two-sample test: its statistic, its p-value, and how many independent readings stood behind it."""

    statistic: float
    p_value: float
    n_effective: float
    """The smaller of the two samples' effective sizes: where it is small, no drift seen proves nothing."""


def autocorrelation_time(values: NDArray[np.float64]) -> float:
    """How many consecutive values tell as much as one independent value, from 1 to n.

    The integrated autocorrelation time 1 + 2 * (r_1 + ... + r_m), m the first lag of at least five times that
    sum. Values that never vary are one value told n times; values too short for a sum to settle tell so too.
    """
    n = values.size
    if n < 2:
        return 1.0
    autocorrelation = _autocorrelation(np.asarray(values, dtype=np.float64))
    if autocorrelation is None:
        return float(n)
    times = 2.0 * np.cumsum(autocorrelation) - 1.0
    settled = np.arange(n) >= WINDOW_FACTOR * times
    lag = int(np.argmax(settled)) if settled.any() else n - 1
    return float(min(max(times[lag], 1.0), n))


def seasonless_autocorrelation_time(values: NDArray[np.float64], period: int) -> float:
    """The autocorrelation time of a seasonal series, for means over whole periods; from 1 to n.

    The season is the same in each period and adds nothing to how means differ. What is left, with its own
    variance and autocorrelation time, makes them vary as much as independent values of the whole series'
    variance would, one every tau_rest var_rest / var readings.
    """
    rest = without_season(values, period)
    variance = float(values.var())
    if not 0 < variance < np.inf:
        return autocorrelation_time(values)
    return max(1.0, autocorrelation_time(rest) * float(rest.var()) / variance)


def without_season(values: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """The values less the mean of those at the same place in each period, shape (n,).

    Where readings are missing places shift, the season stays in, and the series seems to remember it: that errs
    on the careful side.
    """
    places = np.arange(values.size) % period
    profile = np.bincount(places, weights=values) / np.bincount(places)
    rest: NDArray[np.float64] = values - profile[places]
    return rest


def _autocorrelation(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Autocorrelations at lags 0 to n - 1; None of values that do not vary."""
    spread = float(values.max() - values.min())
    if not spread > 0:
        return None
    centred = (values - values.mean()) / spread
    n_padded = 1 << (2 * values.size - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, n_padded)) ** 2
    covariance = np.fft.irfft(spectrum, n_padded)[: values.size]
    if not covariance[0] > 0:
        return None
    correlation: NDArray[np.float64] = covariance / covariance[0]
    return correlation


def ks_effective(
    reference: NDArray[np.float64],
    live: NDArray[np.float64],
    *,
    reference_tau: float | None = None,
    live_tau: float | None = None,
) -> DriftStatistic:
    """Two-sample Kolmogorov-Smirnov whose sample sizes are n / tau; a tau not given is estimated.

    On autocorrelated telemetry the plain test calls most healthy series drifted. The p-value is the
    one-sample law at the harmonic size, as in the asymptotic form of scipy.stats.ks_2samp, but never below
    the least that a rank test of so few independent readings can reach.
    """
    from scipy.stats import kstwo

    if reference.size == 0 or live.size == 0:
        return DriftStatistic(statistic=0.0, p_value=1.0, n_effective=0.0)
    n_reference = reference.size / max(reference_tau or autocorrelation_time(reference), 1.0)
    n_live = live.size / max(live_tau or autocorrelation_time(live), 1.0)
    statistic = _largest_difference(reference, live)
    harmonic = max(1, round(n_reference * n_live / (n_reference + n_live)))
    p_value = max(float(kstwo.sf(statistic, harmonic)), least_p_value(n_reference, n_live))
    return DriftStatistic(
        statistic=statistic,
        p_value=float(np.clip(p_value, 0.0, 1.0)),
        n_effective=min(n_reference, n_live),
    )


def least_p_value(n_reference: float, n_live: float) -> float:
    """The smallest two-sided p-value that a rank test of samples of these sizes can reach, at most 1.

    All orders of n + m exchangeable readings are equally likely, and two of the C(n + m, m) ways to choose
    the live ones put all of them beyond the others (Lehmann, Nonparametrics, 1975, section 1.2). Two slow
    readings far outside of training are no proof, however large the distance between the distributions.
    """
    from scipy.special import gammaln

    log_ways = gammaln(n_reference + n_live + 1) - gammaln(n_reference + 1) - gammaln(n_live + 1)
    return float(min(1.0, 2.0 * np.exp(-log_ways)))


def _largest_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The largest distance between two empirical distribution functions."""
    a, b = np.sort(a), np.sort(b)
    points = np.concatenate([a, b])
    share_a = np.searchsorted(a, points, side="right") / a.size
    share_b = np.searchsorted(b, points, side="right") / b.size
    return float(np.abs(share_a - share_b).max())


def wasserstein_in_iqr(reference: NDArray[np.float64], live: NDArray[np.float64]) -> float:
    """How far values moved on average, in interquartile ranges of the reference: an effect size.

    A reference that never varied answers 0 for the same value and infinity for any other.
    """
    from scipy.stats import wasserstein_distance

    if reference.size == 0 or live.size == 0:
        return 0.0
    return in_iqrs(float(wasserstein_distance(reference, live)), reference)


def in_iqrs(distance: float, reference: NDArray[np.float64]) -> float:
    """A distance between values in interquartile ranges of the reference.

    Where half of the reference is one value its range serves as the unit, and where all of it is, any
    distance is infinite.
    """
    low, high = np.quantile(reference, [0.25, 0.75])
    unit = float(high - low) or float(reference.max() - reference.min())
    if unit == 0:
        return float("inf") if distance > 0 else 0.0
    return distance / unit


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> NDArray[np.bool_]:
    """Which of the p-values are discoveries at that false discovery rate, shape (n,), in their order.

    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995).
    """
    from scipy.stats import false_discovery_control

    if len(p_values) == 0:
        return np.zeros(0, dtype=np.bool_)
    adjusted: NDArray[np.float64] = np.asarray(false_discovery_control(p_values, method="bh"))
    return adjusted <= rate
