"""Whether new readings are distributed as gold is, where gold itself says what is usual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_core.domain.degradation.window_drift import LEAST_PART, check_no_drift
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings

POLICY = GatePolicy()
NOTHING = np.zeros(0)
STEADY = np.random.default_rng(1).normal(size=1000)


def readings(values: Any, *, step_s: int = 600) -> Readings:
    """Readings at even intervals."""
    values = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(values)) * np.timedelta64(step_s, "s")
    return Readings(timestamps=np.datetime64("2025-01-01", "us") + steps, values=values)


def week(seed: int = 2) -> NDArray[np.float64]:
    """A thousand readings like gold's."""
    return np.random.default_rng(seed).normal(size=1000)


def passes(gold: Any, fresh: Any) -> bool:
    """The verdict on new readings at ten minutes against gold at ten minutes."""
    return check_no_drift(readings(gold), readings(fresh), readings(NOTHING), POLICY).passed


@pytest.mark.parametrize("half", [slice(0, 500), slice(500, 1000)])
def test_either_half_alone_is_refused(half: slice) -> None:
    """A fault that fills one half is not hidden by the sound other one, and the reason names the half."""
    values = week()
    values[half] += 1.5

    check = check_no_drift(readings(STEADY), readings(values), readings(NOTHING), POLICY)

    assert not check.passed
    assert ("older half" in check.reason) == (half.start == 0)
    assert check.threshold == pytest.approx(POLICY.drift_distance)


def test_what_is_usual_between_parts_of_gold_is_accepted() -> None:
    """A machine whose level changed within gold may change it again; a steady one may not."""
    changing = np.concatenate([STEADY[:500], STEADY[500:] + 1.0])
    moved = week() + 1.0

    assert not passes(STEADY, moved)
    assert passes(changing, moved)


@given(shift=st.floats(-1e6, 1e6), scale=st.floats(1e-3, 1e3))
def test_unit_of_the_metric_does_not_matter(shift: float, scale: float) -> None:
    """Distances between distributions are the same in every unit."""
    drifted = week() + 0.9

    assert passes(shift + scale * STEADY, shift + scale * week())
    assert not passes(shift + scale * STEADY, shift + scale * drifted)


@given(st.floats(10, 1e6))
def test_readings_beyond_all_of_gold_never_pass(size: float) -> None:
    """D is 1 where nothing is shared, which no margin covers where gold is steady."""
    assert not passes(STEADY, week() + size)


def test_thinned_gold_is_compared_by_its_length_in_time() -> None:
    """Parts of gold last as long as a half of the week, however many readings that is."""
    daily = np.sin(np.arange(4032) * 2 * np.pi / 4032)
    gold, fresh = readings(daily[::4], step_s=2400), readings(daily[-1008:])

    check = check_no_drift(gold, fresh, readings(NOTHING), POLICY)

    # An eighth of one slow wave lies far from the whole of it: what gold shows of itself, the week may do too.
    assert check.passed
    assert check.threshold is None or check.threshold > 0.6


def test_series_that_never_repeats_itself_is_unknown() -> None:
    """Where gold's own parts share nothing, nothing could stand out, and it says so."""
    check = check_no_drift(readings(np.arange(1000.0)), readings(week()), readings(NOTHING), POLICY)

    assert check.passed
    assert check.reason.startswith("unknown")


def test_too_little_is_not_compared() -> None:
    """Without gold, or with a handful of readings, there is nothing to tell."""
    few = readings(week()[: 2 * LEAST_PART - 1])

    for gold, fresh in ((None, readings(week())), (few, readings(week())), (readings(STEADY), few)):
        check = check_no_drift(gold, fresh, few, POLICY)

        assert check.passed
        assert check.reason.startswith("not compared")
