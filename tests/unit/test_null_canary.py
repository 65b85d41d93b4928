"""The null canary: quiet while the test keeps its word, loud when it does not, and then nothing fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.checks.check import Verdict
from ml_core.domain.degradation.fleet_drift import TestedModel, assess_fleet, observe_canary, observe_drift
from ml_core.domain.degradation.model_drift import Aspect, AspectTest, DriftTest, Reference
from ml_core.domain.degradation.null_canary import NullCanary, NullSplit, count_null, draw_split, split_null
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.policies import DriftPolicy

POLICY = DriftPolicy()
DAY = date(2025, 6, 15)


def drift_test(p_value: float) -> DriftTest:
    """A test of one aspect with a large effect."""
    aspect = AspectTest(aspect=Aspect.VALUES, p_value=p_value, effect=2.0, usual=0.0)
    return DriftTest(aspects=(aspect,), n_effective=100, reference_median=0.0, live_median=0.0)


def reference(n: int, seed: int = 0) -> Reference:
    """Independent readings."""
    values = np.random.default_rng(seed).normal(size=n)
    return Reference(values=values, scores=3.0 - np.abs(values))


def canary(spoke: int, splits: int) -> NullCanary:
    """A canary that spoke so often."""
    return NullCanary(splits=splits, spoke=spoke, degraded=0, nominal=0.05)


def test_it_is_quiet_on_series_that_keep_still() -> None:
    """On stationary series the test speaks no more often than it says, and calls none degraded."""
    splits = [split_null(reference(1000, seed), [144], seed % 10 / 10, POLICY) for seed in range(200)]

    found = count_null([split for split in splits if split is not None], POLICY)

    assert found.splits == 200
    assert found.rate <= POLICY.false_discovery_rate
    assert (found.degraded, found.is_loud) == (0, False)


@pytest.mark.parametrize(
    ("spoke", "splits", "loud"), [(0, 1000, False), (99, 1000, False), (110, 1000, True), (1, 4, False)]
)
def test_it_is_loud_above_twice_the_nominal_rate_beyond_chance(spoke: int, splits: int, loud: bool) -> None:
    """One of four splits proves nothing; a tenth of a thousand and more does."""
    assert canary(spoke, splits).is_loud is loud


def test_while_it_is_loud_nothing_is_called_degraded() -> None:
    """Drift is told as a sign, findings are neither opened nor resolved, and the fleet has its own finding."""
    noisy = NullSplit(first=drift_test(1e-6), second=drift_test(1e-6))
    drifting = TestedModel(series_id=1, metric="flow", test=drift_test(1e-9), before=4, words="the last 24 h")
    others = [
        TestedModel(series_id=10 + i, metric="flow", test=drift_test(0.5), before=0, words="the last 24 h", null=noisy)
        for i in range(50)
    ]

    believed = assess_fleet([drifting, *(replace(other, null=None) for other in others)], policy=POLICY)
    doubted = assess_fleet([drifting, *others], policy=POLICY)
    told = observe_canary(doubted.canary)

    assert believed.results[1].verdict is Verdict.FAIL
    assert doubted.results[1].verdict is Verdict.WARN
    assert "only told, since the null canary is loud" in doubted.results[1].reason
    assert [seen.series_id for seen in observe_drift(doubted.results) if seen.series_id == 1] == []
    assert told.severity is Severity.WARNING
    assert told.message.startswith("the drift test spoke on 100.0% of 50 pieces of training")
    assert told.evidence["canary_degraded"] == 50


def test_the_finding_is_resolved_when_it_is_quiet_again() -> None:
    """A quiet canary tells its rate and has no severity."""
    told = observe_canary(canary(3, 1000))

    assert told.severity is None
    assert told.value == 0.003


@given(st.integers(0, 400), st.lists(st.integers(1, 2000), min_size=1, max_size=2), st.floats(0, 1, exclude_max=True))
def test_a_split_keeps_to_the_training(n: int, looks: list[int], position: float) -> None:
    """Whatever is asked, most of the training stays as reference; too little of it gives no split."""
    split = split_null(reference(n), looks, position, POLICY)

    assert (split is None) == (n < 3)
    assert split is None or split.first.looks == split.second.looks == len(looks)


def test_a_split_is_drawn_anew_each_day() -> None:
    """About as many as asked for, others each day, and the same ones when the day is done again."""
    drawn = {id_ for id_ in range(5000) if draw_split(id_, DAY, fleet=5000, most=500) is not None}
    next_day = {
        id_ for id_ in range(5000) if draw_split(id_, DAY + timedelta(days=1), fleet=5000, most=500) is not None
    }

    assert 400 <= len(drawn) <= 600
    assert len(drawn & next_day) <= 100
    assert drawn == {id_ for id_ in range(5000) if draw_split(id_, DAY, fleet=5000, most=500) is not None}


def test_a_small_fleet_is_drawn_whole() -> None:
    """Where there are fewer models than may be drawn, all are."""
    assert all(draw_split(id_, DAY, fleet=50, most=1000) is not None for id_ in range(50))
