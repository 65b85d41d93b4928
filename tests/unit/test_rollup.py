"""Hourly rollups: what is counted in which hour, and what the latency histogram answers."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS, HourlyActivity, bucket_of, latency_quantile_ms, roll_up


def _instants(*texts: str) -> NDArray[np.datetime64]:
    return np.array(texts, dtype="datetime64[us]")


def test_each_event_is_counted_in_its_own_hour() -> None:
    """An hour holds what happened from its first to its last microsecond; a call is told in the newest."""
    events = {
        "scored": _instants("2025-03-01T09:59:59.999999", "2025-03-01T10:00:00", "2025-03-01T10:30:00"),
        "anomalies": _instants("2025-03-01T10:30:00"),
        "late": _instants(),
        "dropped": _instants("2025-03-01T11:00:00"),
    }

    assert roll_up(events, latency_ms=0.7) == [
        HourlyActivity(hour=datetime(2025, 3, 1, 9, tzinfo=UTC), scored=1),
        HourlyActivity(hour=datetime(2025, 3, 1, 10, tzinfo=UTC), scored=2, anomalies=1, latency_ms=0.7),
        HourlyActivity(hour=datetime(2025, 3, 1, 11, tzinfo=UTC), dropped=1),
    ]


def test_hours_before_1970_are_hours_too() -> None:
    """A reading before the epoch falls into the hour that began before it."""
    hours = roll_up({"scored": _instants("1969-12-31T23:30:00")}, latency_ms=None)

    assert [hour.hour for hour in hours] == [datetime(1969, 12, 31, 23, tzinfo=UTC)]


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_nothing_is_lost_between_hours(microseconds: list[int]) -> None:
    """The hours' counts add up to the events, and no hour stands twice."""
    instants = np.array(microseconds, dtype="datetime64[us]")

    hours = roll_up({"scored": instants}, latency_ms=1.0)

    assert sum(hour.scored for hour in hours) == len(microseconds)
    assert sum(hour.calls for hour in hours) == min(1, len(microseconds))
    assert [hour.hour for hour in hours] == sorted({hour.hour for hour in hours})


@pytest.mark.parametrize(("latency_ms", "bucket"), [(0.0, 0), (0.1, 0), (0.11, 1), (1000.0, 12), (1000.1, 13)])
def test_a_latency_falls_into_the_first_bucket_that_holds_it(latency_ms: float, bucket: int) -> None:
    """Bounds are inclusive; what is slower than all falls into the last bucket."""
    assert bucket_of(latency_ms) == bucket
    assert HourlyActivity(hour=datetime(2025, 3, 1, tzinfo=UTC), latency_ms=latency_ms).latency_buckets[bucket] == 1


@given(st.lists(st.floats(0, 2000), min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_quantile_is_the_bound_of_the_bucket_that_holds_it(latencies: list[float], share: float) -> None:
    """The answer is the bound under which at least that share of calls lies, and no smaller bound does."""
    buckets = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    for latency in latencies:
        buckets[bucket_of(latency)] += 1

    bound = latency_quantile_ms(buckets, share)

    assert bound is not None
    assert sum(latency <= bound for latency in latencies) >= share * len(latencies)
    smaller = [other for other in LATENCY_BOUNDS_MS if other < bound]
    assert all(sum(latency <= other for latency in latencies) < share * len(latencies) for other in smaller)


def test_without_calls_there_is_no_quantile() -> None:
    """Nothing called, nothing said."""
    assert latency_quantile_ms([0] * 14, 0.95) is None
