"""The false-alarm budget in words, and the threshold that keeps to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.detectors.adaptive.budget import (
    LEAST_RATE,
    MOST_RATE,
    FalseAlarmBudget,
    own_correction,
    tail_probability,
    threshold_for,
)
from ml_core.domain.detectors.detector import FitOptions
from ml_core.errors import ConfigurationError


def test_the_same_words_are_a_lower_rate_where_readings_come_faster() -> None:
    """One a week is one in 1,008 readings at ten minutes and one in 10,080 at one minute."""
    budget = FalseAlarmBudget.parse("1 per sensor-week")
    assert budget.rate(600) == pytest.approx(1 / 1008)
    assert budget.rate(60) == pytest.approx(1 / 10_080)
    assert threshold_for(budget.rate(60)) > threshold_for(budget.rate(600))
    assert FalseAlarmBudget.parse("2 per 5000 readings").rate(60) == pytest.approx(0.0004)


@given(rate=st.floats(LEAST_RATE, MOST_RATE))
def test_threshold_and_probability_are_each_others_inverse(rate: float) -> None:
    """At its threshold, an alarm is as rare as the budget says."""
    assert tail_probability(np.array([threshold_for(rate)]))[0] == pytest.approx(rate)


@pytest.mark.parametrize("words", ["", "one a week", "1 per week", "0 per sensor-day", "1 per 0 readings", 3, None])
def test_other_words_are_refused_with_an_example(words: object) -> None:
    """The error shows what may stand there."""
    with pytest.raises(ConfigurationError, match="1 per sensor-week"):
        FalseAlarmBudget.parse(words)


def test_settings_check_the_words_the_time_zone_and_the_seconds() -> None:
    """A wrong setting is named when settings are read, not at night."""
    with pytest.raises(ConfigurationError, match="false_alarm_budget"):
        FitOptions(false_alarm_budget="some")
    with pytest.raises(ConfigurationError, match="timezone"):
        FitOptions(timezone="Mars/Base")
    with pytest.raises(ConfigurationError, match="aggregate_below_s"):
        FitOptions(aggregate_below_s=-1)


def test_a_series_own_alarms_move_its_threshold_and_few_readings_do_not() -> None:
    """A restless series is given a higher threshold, a quiet one a slightly lower, a short one none."""
    n = 4000
    scores = np.zeros(n)
    restless = scores.copy()
    restless[::100] = 1.2
    onsets = np.ones(n, dtype=bool)
    assert 0.2 < own_correction(restless, onsets) <= 0.5
    assert -0.15 <= own_correction(scores, onsets) < 0
    assert own_correction(restless[:500], onsets[:500]) == 0
