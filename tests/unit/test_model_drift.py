"""One model's drift test on readings that remember each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import ks_2samp, wasserstein_distance

from ml_core.domain.degradation.block_history import block_starts, largest_distances
from ml_core.domain.degradation.drift import without_season
from ml_core.domain.degradation.model_drift import (
    Aspect,
    DriftTest,
    LiveSample,
    Reference,
    compare_with_reference,
    widen,
)
from ml_core.domain.policies import DriftPolicy

POLICY = DriftPolicy()
Values = NDArray[np.float64]


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

    tests = [compare(sample[:1000], sample[1000:]) for sample in samples]

    for place in range(3):
        assert np.mean([test.aspects[place].p_value < 0.05 for test in tests]) <= 0.08
    assert np.mean([test.p_value(POLICY) < 0.05 for test in tests]) <= 0.02


@pytest.mark.parametrize("change", ["shift", "ramp", "variance"])
def test_drift_is_improbable_and_large(change: str) -> None:
    """A shift by a deviation, a ramp and twice the variance are all seen."""
    sample = remembering(2440, 0.5, 7)
    live = {
        "shift": sample[1000:] + 1,
        "ramp": sample[1000:] + np.linspace(0, 2, 1440),
        "variance": sample[1000:] * np.sqrt(2),
    }[change]

    test = compare(sample[:1000], live)

    assert test.p_value(POLICY) < 1e-3
    assert test.leading(POLICY) is not None


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
    assert widened == 168 or 50 <= n_effective * widened / hours <= 50 * 1.1 + n_effective + 1e-6


def test_without_any_reading_the_window_is_as_wide_as_it_may_be() -> None:
    """Nothing says how many hours would do."""
    assert widen(0.0, least=50, hours=24, most_hours=168) == 168


def test_what_was_usual_in_training_is_no_drift() -> None:
    """A machine that ran at two levels in training may run at one of them for a day."""
    two_levels = np.repeat([0.0, 6.0, 0.0, 6.0, 0.0, 6.0, 0.0], 144) + remembering(1008, 0.0, 3)

    test = compare(two_levels, 6.0 + remembering(144, 0.0, 4))

    assert test.values.effect > POLICY.min_effect
    assert test.p_value(POLICY) == 1.0


def test_a_change_of_noise_alone_is_told_as_such() -> None:
    """Steps that grow by half while the level stays are a change of variability, with its ratio."""
    sample = remembering(1288, 0.0, 5)

    leading = compare(sample[:1000], sample[1000:] * 1.5).leading(POLICY)

    assert leading is not None
    assert leading.aspect is Aspect.VARIABILITY
    assert leading.ratio == pytest.approx(1.5, rel=0.2)


def seasonal(days: int, seed: int) -> Values:
    """A daily season of 144 readings, larger than its noise."""
    return 2.0 * np.sin(2 * np.pi * np.arange(144 * days) / 144) + remembering(144 * days, 0.5, seed)


def test_a_daily_season_is_no_memory_where_whole_days_are_compared() -> None:
    """A day of a seasonal series is worth what its noise is, so that a shift by the season's amplitude is seen."""
    known = seasonal(14, 8)

    healthy, shifted = (compare(known, seasonal(1, 9) + shift, then=600, now=600) for shift in (0.0, 2.0))
    half_a_day = compare(known, seasonal(1, 9)[:72], then=600, now=600)

    assert healthy.n_effective > 30
    assert half_a_day.n_effective < 10
    assert healthy.p_value(POLICY) == 1.0
    assert shifted.p_value(POLICY) < 1e-3


def test_seasonal_series_are_rarely_called_improbable() -> None:
    """Taking the season out of the memory does not make the p-values too small."""
    called = []
    for seed in range(100):
        series = seasonal(15, 100 + seed)
        called.append(compare(series[:-144], series[-144:], then=600, now=600).values.p_value < 0.05)

    assert np.mean(called) <= 0.08


@given(st.integers(1, 20), st.integers(2, 6), st.floats(-1e3, 1e3))
def test_a_pure_season_leaves_nothing(period: int, times: int, level: float) -> None:
    """What repeats exactly is all profile."""
    once = level + np.sin(np.arange(period))

    assert without_season(np.tile(once, times), period) == pytest.approx(0.0, abs=1e-9)


def test_few_slow_readings_prove_nothing() -> None:
    """Readings that remember for days are worth two or three, however far from training they are."""
    slow = np.cumsum(np.random.default_rng(6).normal(size=1288))

    assert compare(slow[:1000], slow[1000:] + 1e6).values.p_value > 1e-3


@given(
    arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6)),
    st.floats(1.0, 1e4),
)
def test_the_answer_is_always_a_probability(known: Values, seen: Values, interval_s: float) -> None:
    """Whatever the readings, empty or equal ones too, and whatever their intervals."""
    test = compare(known, seen, then=interval_s, now=60.0)

    assert 0.0 <= test.p_value(POLICY) <= 1.0
    assert all(aspect.effect >= 0 and aspect.usual >= 0 for aspect in test.aspects)


@given(arrays(np.float64, st.integers(4, 40), elements=st.floats(-1e3, 1e3)), st.data())
def test_parts_are_held_against_the_rest(values: Values, data: st.DataObject) -> None:
    """The quick formula gives the distances that scipy finds between each block and all other readings."""
    length = data.draw(st.integers(1, values.size - 1))
    apart = [
        (np.delete(values, np.arange(start, start + length)), values[start : start + length])
        for start in block_starts(values.size, length)
    ]

    found = largest_distances(values, length)

    assert found.kolmogorov == pytest.approx(max(ks_2samp(*pair, method="asymp").statistic for pair in apart))
    assert found.wasserstein == pytest.approx(max(wasserstein_distance(*pair) for pair in apart), abs=1e-6)


def test_nothing_to_compare_is_worth_nothing() -> None:
    """Without readings the effective size is 0."""
    assert compare(np.arange(100.0), np.zeros(0)).n_effective == 0
