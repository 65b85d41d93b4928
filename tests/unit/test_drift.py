"""Drift statistics: honest on readings that depend on each other, awake where something moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from ml_core.domain.degradation.drift import (
    autocorrelation_time,
    benjamini_hochberg,
    ks_effective,
    least_p_value,
    seasonless_autocorrelation_time,
    wasserstein_in_iqr,
)

SAMPLES = arrays(np.float64, st.integers(2, 80), elements=st.floats(-1e6, 1e6))
ANY_SAMPLES = arrays(np.float64, st.integers(0, 80), elements=st.floats(-1e300, 1e300))


def autoregression(phi: float, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A first-order autoregression of unit variance."""
    settled: NDArray[np.float64] = lfilter([1.0], [1.0, -phi], rng.normal(size=n + 2000))[2000:]
    return settled * np.sqrt(1 - phi**2)


@pytest.mark.parametrize(("phi", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0)])
def test_autocorrelation_time_of_an_autoregression(phi: float, expected: float) -> None:
    """It is (1 + phi) / (1 - phi) of a first-order autoregression."""
    times = [autocorrelation_time(autoregression(phi, 5000, np.random.default_rng(i))) for i in range(20)]

    assert np.mean(times) == pytest.approx(expected, rel=0.15)


@given(arrays(np.float64, st.integers(2, 80), elements=st.floats(-1e6, 1e6)), st.integers(1, 20))
def test_a_season_only_takes_memory_away_within_bounds(values: NDArray[np.float64], period: int) -> None:
    """From one to the number of values, whatever the values and the season."""
    assert 1.0 <= seasonless_autocorrelation_time(values, period) <= values.size


@given(ANY_SAMPLES)
def test_autocorrelation_time_is_bounded(values: NDArray[np.float64]) -> None:
    """From one to the number of values, whatever the values."""
    assert 1.0 <= autocorrelation_time(values) <= max(values.size, 1)


def test_stuck_values_tell_one_thing() -> None:
    """A constant is one value told n times."""
    assert autocorrelation_time(np.full(50, 3.3)) == 50


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_healthy_series_are_rarely_called_drifted(phi: float) -> None:
    """At p < 0.01 about one of a hundred healthy windows is flagged, however slowly the series moves."""
    flagged = 0
    for i in range(200):
        series = autoregression(phi, 3000, np.random.default_rng(i))
        flagged += ks_effective(series[:1000], series[2000:2500]).p_value < 0.01

    assert flagged <= 6


def test_shift_is_seen() -> None:
    """A shift by one standard deviation is beyond doubt where readings are independent enough."""
    series = autoregression(0.5, 3000, np.random.default_rng(1))

    assert ks_effective(series[:1000], series[2000:2500] + 1.0).p_value < 1e-6


def test_little_evidence_is_told() -> None:
    """A slow series has few independent readings, and says so."""
    series = autoregression(0.99, 1000, np.random.default_rng(1))

    assert ks_effective(series[:500], series[500:]).n_effective < 50


@given(SAMPLES, SAMPLES)
def test_statistic_is_that_of_scipy(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """The distance itself is the ordinary one; with a memory of one reading so is the p-value, down to its least."""
    expected = ks_2samp(a, b, method="asymp")
    found = ks_effective(a, b, reference_tau=1.0, live_tau=1.0)

    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(max(expected.pvalue, least_p_value(a.size, b.size)), abs=1e-9)


@given(st.integers(1, 7), st.integers(1, 7))
def test_no_rank_test_reaches_a_smaller_p_value(n: int, m: int) -> None:
    """Samples that do not overlap have the exact p-value of that bound; so few readings prove no more."""
    exact = ks_2samp(np.arange(n), 100 + np.arange(m), method="exact").pvalue

    assert least_p_value(n, m) == pytest.approx(min(1.0, exact))


@given(ANY_SAMPLES, ANY_SAMPLES)
def test_p_value_is_a_probability(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Whatever the samples, empty ones too."""
    found = ks_effective(a, b)

    assert 0 <= found.p_value <= 1
    assert 0 <= found.statistic <= 1
    assert found.n_effective >= 0


def test_effect_is_in_reference_iqrs() -> None:
    """Two interquartile ranges away is an effect of two, in any unit."""
    reference = np.linspace(0.0, 100.0, 1001)

    assert wasserstein_in_iqr(reference, reference + 100.0) == pytest.approx(2.0)
    assert wasserstein_in_iqr(reference * 1e6, (reference + 100.0) * 1e6) == pytest.approx(2.0)


def test_effect_against_a_constant() -> None:
    """A reference that never varied has no unit: the same value is no effect, any other one infinite."""
    assert wasserstein_in_iqr(np.ones(10), np.ones(5)) == 0
    assert wasserstein_in_iqr(np.ones(10), np.full(5, 2.0)) == np.inf
    assert wasserstein_in_iqr(np.ones(0), np.ones(5)) == 0


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.5))
def test_discoveries_are_the_smallest_p_values(p_values: list[float], rate: float) -> None:
    """The step-up rule of Benjamini and Hochberg, straight from its definition."""
    ordered = sorted(p_values)
    n = len(p_values)
    passing = [p for rank, p in enumerate(ordered, 1) if p <= rate * rank / n]
    limit = max(passing, default=-1.0)

    found = benjamini_hochberg(p_values, rate)

    # At the very edge of the rule the two forms may differ by rounding.
    clear = [abs(p - rate * rank / n) > 1e-12 for rank, p in enumerate(ordered, 1)]
    if all(clear):
        assert found.tolist() == [p <= limit for p in p_values]
