"""Do values stay in the range that was learned?"""

import numpy as np
import pytest

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.range_check import check_out_of_range
from ml_core.domain.training.training_profile import TrainingProfile
from tests.unit.live_windows import POLICY, window_of


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
    values[: round(200 * share)] = 2.0
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


def test_a_model_that_remembers_nothing_is_unknown() -> None:
    """An adopted model without a description is not called fine."""
    assert check_out_of_range(window_of(np.arange(144.0)), TrainingProfile(), policy=POLICY).verdict is Verdict.UNKNOWN
