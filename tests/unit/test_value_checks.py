"""Do values move?"""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.value_checks import check_flatline, least_flat_readings
from ml_core.domain.training.training_profile import TrainingProfile
from tests.unit.live_windows import NOW, POLICY, window_of


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


def test_a_model_that_remembers_nothing_is_unknown() -> None:
    """An adopted model without a description is not called fine."""
    assert check_flatline(window_of(np.arange(144.0)), TrainingProfile(), policy=POLICY).verdict is Verdict.UNKNOWN
