"""Do values move, and do they stay in range?"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.value_checks import check_flatline, check_out_of_range, least_flat_readings
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import Readings, to_instant
from ml_core.domain.training.training_profile import TrainingProfile

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)
POLICY = HealthPolicy()


def window_of(values: NDArray[np.float64], interval_s: int = 600) -> LiveWindow:
    """These values, the last of them now."""
    stamps = to_instant(NOW) - (np.arange(values.size)[::-1] * interval_s).astype("timedelta64[s]")
    length = max(timedelta(days=1), timedelta(seconds=values.size * interval_s))
    return LiveWindow(start=NOW - length, end=NOW, readings=Readings.clean(stamps, values))


def moving_then_stuck(stuck: int, total: int = 144) -> NDArray[np.float64]:
    """Values that move, the last `stuck` of them equal."""
    values = np.random.default_rng(3).normal(size=total)
    values[total - stuck :] = 7.5
    return values


def profile_of(interval_s: float = 600.0, flat_run_p999: float = 1.0) -> TrainingProfile:
    """What training knew of flat runs."""
    return TrainingProfile(median_interval_s=interval_s, flat_run_p999=flat_run_p999)


@pytest.mark.parametrize(("stuck", "verdict"), [(1, Verdict.OK), (29, Verdict.OK), (30, Verdict.FAIL)])
def test_thirty_equal_readings_are_stuck(stuck: int, verdict: Verdict) -> None:
    """From thirty equal readings on a sensor that always moved is stuck."""
    assert check_flatline(window_of(moving_then_stuck(stuck)), profile_of(), policy=POLICY).verdict is verdict


def test_a_stuck_sensor_is_told_with_its_value_and_since_when() -> None:
    """The reason names the value and the moment; the evidence carries it for others."""
    result = check_flatline(window_of(moving_then_stuck(72)), profile_of(), policy=POLICY)

    since = NOW - timedelta(seconds=71 * 600)
    assert f"stuck at 7.5 since {since:%Y-%m-%d %H:%M} UTC" in result.reason
    assert result.evidence["since"] == since.isoformat()
    assert result.evidence["stuck_value"] == 7.5


def test_a_run_over_the_whole_window_began_earlier() -> None:
    """Where nothing before it was seen, the time is a bound."""
    result = check_flatline(window_of(np.full(144, 7.5)), profile_of(), policy=POLICY)

    assert "since at least" in result.reason


@pytest.mark.parametrize(("stuck", "verdict"), [(80, Verdict.OK), (81, Verdict.FAIL)])
def test_a_sensor_that_often_repeats_itself_may_do_so(stuck: int, verdict: Verdict) -> None:
    """Twice the 99.9th percentile of training's runs is usual."""
    result = check_flatline(window_of(moving_then_stuck(stuck)), profile_of(flat_run_p999=40), policy=POLICY)

    assert result.verdict is verdict


def test_a_sensor_that_moves_again_is_told_of_once_more() -> None:
    """A run that ended warns with both of its ends."""
    values = np.append(moving_then_stuck(40), np.random.default_rng(4).normal(size=20))

    result = check_flatline(window_of(values), profile_of(), policy=POLICY)

    assert result.verdict is Verdict.WARN
    assert "was stuck at 7.5 from" in result.reason


@pytest.mark.parametrize(
    ("interval_s", "needed"), [(1.0, 30), (600.0, 30), (1440.0, 30), (3600.0, 12), (4320.0, 10), (86_400.0, 10)]
)
def test_a_sparse_series_is_stuck_by_duration(interval_s: float, needed: int) -> None:
    """Twelve hours of equal readings count where thirty readings would take days."""
    assert least_flat_readings(interval_s, POLICY) == needed


def test_an_hourly_sensor_is_told_after_half_a_day() -> None:
    """Twelve equal hourly readings are stuck."""
    result = check_flatline(window_of(moving_then_stuck(12, 24), 3600), profile_of(3600.0), policy=POLICY)

    assert result.verdict is Verdict.FAIL


def test_a_handful_of_readings_tells_nothing_of_a_stuck_sensor() -> None:
    """Too few readings are unknown, not fine."""
    assert check_flatline(window_of(np.full(20, 1.0)), profile_of(), policy=POLICY).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("outside", "verdict"), [(0, Verdict.OK), (1, Verdict.OK), (2, Verdict.WARN), (7, Verdict.WARN), (8, Verdict.FAIL)]
)
def test_share_outside_of_the_training_range(outside: int, verdict: Verdict) -> None:
    """Over 1 % warns and over 5 % fails, but one new extreme in a day comes by chance."""
    values = np.zeros(144)
    values[:outside] = 99.0
    profile = TrainingProfile(value_min=-1.0, value_max=1.0, n_readings=4032)

    result = check_out_of_range(window_of(values), profile, policy=POLICY)

    assert result.verdict is verdict
    assert result.value == pytest.approx(outside / 144)


def test_new_extremes_are_expected_of_a_young_model() -> None:
    """A model of 200 readings must see a week's few new extremes without a warning."""
    values = np.zeros(168)
    values[:4] = 99.0
    profile = TrainingProfile(value_min=-1.0, value_max=1.0, n_readings=200)

    assert check_out_of_range(window_of(values, 3600), profile, policy=POLICY).verdict is Verdict.OK


def test_readings_at_the_ends_of_the_range_are_inside() -> None:
    """The smallest and largest of training are not outside of it."""
    profile = TrainingProfile(value_min=-1.0, value_max=1.0, n_readings=4032)

    assert check_out_of_range(window_of(np.array([-1.0, 1.0] * 20)), profile, policy=POLICY).value == 0


def test_without_readings_the_range_is_unknown() -> None:
    """No reading is no evidence of health."""
    profile = TrainingProfile(value_min=-1.0, value_max=1.0)

    assert check_out_of_range(window_of(np.zeros(0)), profile, policy=POLICY).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("check", [check_flatline, check_out_of_range])
def test_a_model_that_remembers_nothing_is_unknown(check) -> None:  # type: ignore[no-untyped-def]
    """An adopted model without a description is not called fine."""
    assert check(window_of(np.arange(144.0)), TrainingProfile(), policy=POLICY).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("usual", "share", "verdict"),
    [
        (0.0, 0.06, Verdict.FAIL),  # a machine that never left its range
        (0.1, 0.14, Verdict.OK),  # one that did so on a day of training may do so again
        (0.1, 0.16, Verdict.FAIL),
        (0.8, 0.89, Verdict.OK),
        (0.8, 0.92, Verdict.FAIL),  # half-way from there to everything is as far as that goes
    ],
)
def test_what_a_day_of_training_did_is_usual(usual: float, share: float, verdict: Verdict) -> None:
    """Readings outside of the range count where they are more than 1.5 times what training's own days had."""
    values = np.zeros(200)
    values[: round(200 * share)] = 99.0
    profile = TrainingProfile(value_min=-1.0, value_max=1.0, n_readings=4032, usual_outside_share=usual)

    result = check_out_of_range(window_of(values), profile, policy=POLICY)

    assert result.verdict is verdict
    assert result.evidence["usual_outside_share"] == usual
    assert ("usual" in result.reason) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("by", "verdict"),
    [
        (0.1, Verdict.OK),  # a series that goes on climbing as it did in training
        (40.0, Verdict.FAIL),  # another unit
    ],
)
def test_a_climb_excuses_no_jump(by: float, verdict: Verdict) -> None:
    """Where a whole day of training lay outside of the others' range no share stands out, so distance does."""
    profile = TrainingProfile(value_min=-1.0, value_max=1.0, n_readings=4032, usual_outside_share=1.0)

    result = check_out_of_range(window_of(np.full(144, 1.0 + by)), profile, policy=POLICY)

    assert result.verdict is verdict
    assert ("usual" in result.reason) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("outside", "by", "verdict"),
    [
        (30, 0.5, Verdict.OK),  # one excursion of a series that moves slowly, a fifth of the day
        (120, 0.5, Verdict.FAIL),  # most of the day
        (30, 1.6, Verdict.FAIL),  # a short one far beyond anything that was learned
    ],
)
def test_one_excursion_of_a_slow_series_is_one(outside: int, by: float, verdict: Verdict) -> None:
    """Readings that tell as much as one count as one, unless they lie far outside."""
    values = np.zeros(144)
    values[:outside] = 1.0 + by
    profile = TrainingProfile(
        value_min=-1.0, value_max=1.0, n_readings=4032, median_interval_s=600.0, autocorrelation_time=50.0
    )

    result = check_out_of_range(window_of(values), profile, policy=POLICY)

    assert result.verdict is verdict
    assert result.evidence["independent_outside"] == pytest.approx(outside / 50)
    assert ("50 in a row tell as much as one" in result.reason) == (verdict is Verdict.OK)


def test_memory_lasts_a_time() -> None:
    """A series that reads twice as often now remembers twice as many readings, and never less than one."""
    profile = TrainingProfile(median_interval_s=600.0, autocorrelation_time=10.0)

    assert profile.memory_readings(300.0) == 20.0
    assert profile.memory_readings(60_000.0) == 1.0
    assert TrainingProfile().memory_readings(None) == 1.0
