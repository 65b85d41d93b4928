"""What a model may learn from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.training.training_window import (
    check_not_stuck,
    check_stable,
    choose_gold,
    group_findings,
    leave_out,
    sound_until,
)

NOW = datetime(2025, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def finding(check: str, *, opened_at: datetime = NOW, series_id: int | None = 1, **evidence: Any) -> Finding:
    """An open finding."""
    return Finding(
        finding_id=1,
        check=check,
        sequence=1,
        severity=Severity.CRITICAL,
        message="found",
        opened_at=opened_at,
        seen_at=opened_at,
        occurrences=1,
        series_id=series_id,
        evidence=evidence,
    )


def readings(values: Any) -> Readings:
    """Readings a minute apart."""
    values = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(values)) * np.timedelta64(60, "s")
    return Readings(timestamps=np.datetime64("2025-01-01", "us") + steps, values=values)


def test_sensor_findings_end_the_window() -> None:
    """The earliest sensor finding counts; findings about the model itself bar nothing."""
    findings = [
        finding("flatline", opened_at=NOW - HOUR),
        finding("unit_change", opened_at=NOW - 3 * HOUR),
        finding("age", opened_at=NOW - 9 * HOUR),
    ]

    assert sound_until(findings, NOW) == NOW - 3 * HOUR
    assert sound_until([], NOW) == NOW


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ((NOW - 5 * HOUR).isoformat(), NOW - 5 * HOUR),
        ((NOW + 5 * HOUR).isoformat(), NOW),
        ("yesterday", NOW),
        ("2025-02-01T00:00:00", NOW),
        (None, NOW),
    ],
)
def test_fault_began_before_it_was_found(since: str | None, expected: datetime) -> None:
    """Evidence that says when it began is believed, if it is a time before the finding."""
    assert sound_until([finding("flatline", since=since)], NOW + HOUR) == expected


def test_findings_are_grouped_by_series() -> None:
    """Those of the fleet belong to no series."""
    grouped = group_findings([finding("drift"), finding("heartbeat", series_id=None), finding("age")])

    assert {series_id: len(found) for series_id, found in grouped.items()} == {1: 2}


@given(n=st.integers(1, 300), size=st.integers(1, 100), strange=st.integers(0, 299))
def test_gold_is_clean_ordered_and_no_larger(n: int, size: int, strange: int) -> None:
    """Never an anomaly, always in order, spread over the whole window."""
    scores = np.ones(n)
    scores[min(strange, n - 1)] = -1.0

    gold = choose_gold(readings(np.arange(n)), scores, size)

    assert len(gold) == min(size, n - 1)
    assert min(strange, n - 1) not in gold.values
    assert (np.diff(gold.timestamps) > np.timedelta64(0)).all()


def test_far_anomalies_are_left_out_near_ones_stay() -> None:
    """Only what lies far outside of the champion's band is not learned."""
    kept = leave_out(readings([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.5, 1.0, 1.5]), 1.0)

    assert kept.values.tolist() == [1.0, 2.0, 3.0]


def test_moving_window_is_not_stable() -> None:
    """Halves of one kind are stable, halves that differ are not."""
    values = np.random.default_rng(1).normal(size=600)

    assert check_stable(readings(values), GatePolicy()).passed
    assert not check_stable(readings(values + (np.arange(600) >= 300) * 2.0), GatePolicy()).passed


@pytest.mark.parametrize(("usual", "longest", "passed"), [(None, 30, True), (None, 31, False), (50, 150, True)])
def test_stuck_is_what_was_not_usual(usual: int | None, longest: int, passed: bool) -> None:
    """Long runs of equal readings are accepted where the champion knew them."""
    values = np.concatenate([np.arange(50.0), np.full(longest, 7.5)])

    assert check_not_stuck(readings(values), usual, GatePolicy()).passed is passed
