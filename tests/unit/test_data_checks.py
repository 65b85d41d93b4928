"""Do readings arrive, and in full?"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.data_checks import LiveWindow, check_coverage, check_lag, live_window_length
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import Readings, to_instant
from ml_core.domain.training.training_profile import TrainingProfile

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)
POLICY = HealthPolicy()
TEN_MINUTES = 600.0


def window_of(n: int, *, interval_s: float = TEN_MINUTES, hours: float = 24) -> LiveWindow:
    """The newest n readings at an interval, up to now."""
    stamps = to_instant(NOW) - (np.arange(n)[::-1] * int(interval_s)).astype("timedelta64[s]")
    readings = Readings.clean(stamps, np.arange(n, dtype=float))
    return LiveWindow(start=NOW - timedelta(hours=hours), end=NOW, readings=readings)


@pytest.mark.parametrize(
    ("lag_s", "verdict"),
    [
        (0, Verdict.OK),
        (5 * TEN_MINUTES, Verdict.OK),
        (5 * TEN_MINUTES + 1, Verdict.WARN),
        (20 * TEN_MINUTES, Verdict.WARN),
        (20 * TEN_MINUTES + 1, Verdict.FAIL),
    ],
)
def test_lag_is_held_against_the_interval(lag_s: float, verdict: Verdict) -> None:
    """Five intervals warn, twenty fail."""
    newest = NOW - timedelta(seconds=lag_s)

    result = check_lag(newest, now=NOW, interval_s=TEN_MINUTES, policy=POLICY)

    assert result.verdict is verdict
    assert result.value == lag_s


@pytest.mark.parametrize(
    ("lag_s", "verdict"), [(30, Verdict.OK), (901, Verdict.WARN), (3_600, Verdict.WARN), (3_601, Verdict.FAIL)]
)
def test_a_fast_series_is_not_late_after_seconds(lag_s: float, verdict: Verdict) -> None:
    """Below an hour nothing fails, and nothing warns below the same share of it."""
    result = check_lag(NOW - timedelta(seconds=lag_s), now=NOW, interval_s=1.0, policy=POLICY)

    assert result.verdict is verdict


def test_lag_says_how_long_and_what_was_expected() -> None:
    """The reason is a sentence for people."""
    result = check_lag(NOW - timedelta(hours=5), now=NOW, interval_s=TEN_MINUTES, policy=POLICY)

    assert result.reason == "the newest reading came 5 h ago; one is expected every 10 min"


def test_a_series_without_any_reading_has_no_data() -> None:
    """Silence from the start fails."""
    assert check_lag(None, now=NOW, interval_s=None, policy=POLICY).verdict is Verdict.FAIL


@pytest.mark.parametrize(("days", "verdict"), [(3, Verdict.UNKNOWN), (8, Verdict.FAIL)])
def test_without_a_known_interval_only_a_long_silence_fails(days: int, verdict: Verdict) -> None:
    """A series whose rhythm is not known yet is unknown, until even a week is empty."""
    result = check_lag(NOW - timedelta(days=days), now=NOW, interval_s=None, policy=POLICY)

    assert result.verdict is verdict


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [(144, Verdict.OK), (116, Verdict.OK), (115, Verdict.WARN), (72, Verdict.WARN), (71, Verdict.FAIL)],
)
def test_coverage_is_the_share_of_expected_readings(readings: int, verdict: Verdict) -> None:
    """Under 80 % warns, under 50 % fails."""
    result = check_coverage(
        window_of(readings), TrainingProfile(median_interval_s=TEN_MINUTES), lag=Verdict.OK, policy=POLICY
    )

    assert result.verdict is verdict
    assert result.value == pytest.approx(readings / 144)


def test_an_irregular_series_is_held_to_its_own_habit() -> None:
    """Where training had only 40 % of the readings, 40 % now are all that is expected."""
    profile = TrainingProfile(median_interval_s=TEN_MINUTES, coverage=0.4)

    assert check_coverage(window_of(58), profile, lag=Verdict.OK, policy=POLICY).verdict is Verdict.OK


def test_coverage_is_not_told_twice_where_no_data_arrive() -> None:
    """No data is one finding, not two."""
    profile = TrainingProfile(median_interval_s=TEN_MINUTES)

    assert check_coverage(window_of(3), profile, lag=Verdict.FAIL, policy=POLICY).verdict is Verdict.UNKNOWN


@given(st.floats(0.01, 1e7))
def test_live_window_holds_enough_readings_or_a_week(interval_s: float) -> None:
    """A day at least, a week at most, and in between as long as the wanted readings take."""
    length = live_window_length(interval_s, POLICY)

    assert timedelta(days=1) <= length <= timedelta(days=7)
    assert length == timedelta(days=7) or length.total_seconds() >= POLICY.min_live_readings * interval_s - 1e-6
