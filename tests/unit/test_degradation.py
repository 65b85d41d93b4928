"""One model's drift test on readings that remember each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from ml_core.domain.degradation import DriftTest, LiveSample, Reference, compare_with_reference, widen
from ml_core.domain.policies import DriftPolicy

POLICY = DriftPolicy()


def remembering(n: int, phi: float, seed: int) -> NDArray[np.float64]:
    """A first-order autoregression of variance 1."""
    noise = np.random.default_rng(seed).normal(size=n + 1000)
    return lfilter([1.0], [1.0, -phi], noise)[1000:] * np.sqrt(1 - phi**2)


def compare(reference: NDArray[np.float64], live: NDArray[np.float64], **intervals: float) -> DriftTest:
    """The test, with the distance from 0 as score."""
    return compare_with_reference(
        Reference(values=reference, scores=4 - np.abs(reference), interval_s=intervals.get("then")),
        LiveSample(values=live, scores=4 - np.abs(live), interval_s=intervals.get("now")),
    )


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_healthy_series_are_rarely_called_improbable(phi: float) -> None:
    """Without drift a p-value under 5 % comes in about 5 % of series, however long they remember."""
    samples = [remembering(2440, phi, seed) for seed in range(200)]

    called = [compare(sample[:1000], sample[1000:]).p_value < 0.05 for sample in samples]

    assert np.mean(called) <= 0.08


@pytest.mark.parametrize("change", ["shift", "ramp", "variance"])
def test_drift_is_improbable_and_large(change: str) -> None:
    """A shift by two deviations, a ramp and three times the noise are all seen."""
    sample = remembering(2440, 0.5, 7)
    live = {
        "shift": sample[1000:] + 2,
        "ramp": sample[1000:] + np.linspace(0, 4, 1440),
        "variance": sample[1000:] * 3,
    }[change]

    test = compare(sample[:1000], live)

    assert test.p_value < 1e-3
    assert test.effect > POLICY.min_effect


def test_a_ramp_does_not_hide_behind_its_own_memory() -> None:
    """A day that climbs seems to remember for ever; the reference knows better, so the day still counts."""
    sample = remembering(2440, 0.5, 7)

    climbing = compare(sample[:1000], sample[1000:] + np.linspace(0, 4, 1440))

    assert climbing.n_effective > POLICY.min_effective_readings


def test_a_series_that_reads_ten_times_as_often_has_no_more_to_say() -> None:
    """Ten readings in the time of one remember each other ten times as long."""
    sample = remembering(2440, 0.5, 7)

    often = compare(sample[:1000], np.repeat(sample[1000:1144], 10), then=600.0, now=60.0)

    assert often.n_effective == pytest.approx(compare(sample[:1000], sample[1000:1144]).n_effective)


@given(st.floats(0.01, 200), st.floats(1, 48))
def test_a_window_is_widened_as_far_as_needed_and_no_further(n_effective: float, hours: float) -> None:
    """What is older than a drift hides it, so only the missing readings are added."""
    widened = widen(n_effective, least=50, hours=hours, most_hours=168)

    assert widened <= 168
    assert widened == 168 or 50 <= n_effective * widened / hours <= 50 * 1.1 + n_effective / hours + 1e-6


def test_without_any_reading_the_window_is_as_wide_as_it_may_be() -> None:
    """Nothing says how many hours would do."""
    assert widen(0.0, least=50, hours=24, most_hours=168) == 168


def test_nothing_to_compare_is_worth_nothing() -> None:
    """Without readings the effective size is 0."""
    assert compare(np.arange(100.0), np.zeros(0)).n_effective == 0
