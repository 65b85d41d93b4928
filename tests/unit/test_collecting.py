"""When a series can be trained, and what failures lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training.collecting import count_failure, estimate_readiness, may_be_tried

NOW = datetime(2025, 3, 1, tzinfo=UTC)
POLICY = TrainingPolicy()
RECORD = SeriesRecord(
    series_id=1,
    key=SeriesKey(device="PUMP-1", metric="flow"),
    state=SeriesState.COLLECTING,
    discovered_at=NOW,
)
WINDOW = timedelta(days=28)


@given(
    count=st.integers(2, 199),
    cadence_s=st.integers(1, 10_000),
    silent_s=st.integers(0, 10_000_000),
)
def test_promise_is_met_at_the_same_cadence(count: int, cadence_s: int, silent_s: int) -> None:
    """The time promised is never past, and readings at the same pace from now on are enough by then."""
    newest = NOW - timedelta(seconds=silent_s)
    readiness = estimate_readiness(
        readings=count,
        first_at=newest - timedelta(seconds=cadence_s) * (count - 1),
        newest_at=newest,
        min_readings=200,
        window=WINDOW,
        now=NOW,
    )

    assert not readiness.ready
    assert readiness.trainable_at is not None
    assert readiness.trainable_at > NOW
    assert (readiness.trainable_at - newest) / timedelta(seconds=cadence_s) >= 200 - count - 1e-6


def test_enough_is_ready_now() -> None:
    """At the minimum training may begin."""
    readiness = estimate_readiness(readings=200, first_at=NOW, newest_at=NOW, min_readings=200, window=WINDOW, now=NOW)

    assert (readiness.ready, readiness.trainable_at) == (True, NOW)


@pytest.mark.parametrize("readings", [0, 1])
def test_one_reading_shows_no_pace(readings: int) -> None:
    """Before the second reading nothing is promised."""
    readiness = estimate_readiness(
        readings=readings, first_at=NOW, newest_at=NOW, min_readings=200, window=WINDOW, now=NOW
    )

    assert readiness.trainable_at is None
    assert "not known yet" in readiness.reason


def test_too_slow_a_series_is_told_so() -> None:
    """Where a window never holds enough, the reason names the settings to change."""
    readiness = estimate_readiness(
        readings=10,
        first_at=NOW - timedelta(days=9),
        newest_at=NOW,
        min_readings=200,
        window=WINDOW,
        now=NOW,
    )

    assert readiness.trainable_at is None
    assert "training.window_days" in readiness.reason


def test_third_failure_opens_the_circuit() -> None:
    """Two failures are counted, the third one rests the series; a failure after the rest does so again."""
    stands = [count_failure(replace(RECORD, training_failures=failed), policy=POLICY, now=NOW) for failed in range(4)]

    assert [stand.failures for stand in stands] == [1, 2, 3, 4]
    assert [stand.state for stand in stands] == [SeriesState.COLLECTING] * 2 + [SeriesState.CIRCUIT_OPEN] * 2
    assert stands[2].circuit_open_until == NOW + timedelta(hours=24)


def test_modelled_series_stays_modelled() -> None:
    """A failed retraining takes no model away; only training rests."""
    record = replace(RECORD, state=SeriesState.MODELLED, training_failures=2)

    stand = count_failure(record, policy=POLICY, now=NOW)

    assert stand.state is SeriesState.MODELLED
    assert stand.circuit_open_until is not None


def test_open_circuit_rests_until_its_time() -> None:
    """Not before, and again from then on."""
    record = replace(RECORD, state=SeriesState.CIRCUIT_OPEN, circuit_open_until=NOW)

    assert not may_be_tried(record, policy=POLICY, now=NOW - timedelta(seconds=1))
    assert may_be_tried(record, policy=POLICY, now=NOW)


@pytest.mark.parametrize(
    ("days_later", "newest_days", "tried"), [(6, 6, False), (7, 5, True), (8, 0, False), (30, 0, False)]
)
def test_unmodellable_is_tried_again_when_it_changed(days_later: int, newest_days: int, tried: bool) -> None:
    """After a week, and only if readings have come since."""
    record = replace(
        RECORD,
        state=SeriesState.UNMODELLABLE,
        trainable_at=NOW + timedelta(days=7),
        newest_reading_at=NOW + timedelta(days=newest_days),
    )

    assert may_be_tried(record, policy=POLICY, now=NOW + timedelta(days=days_later)) is tried
