"""The calendar: whom it is about, when, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip, escape_pattern, find_spared, leave_out_quiet
from ml_core.domain.series import Readings, SeriesKey, to_instant

START = datetime(2025, 3, 1, tzinfo=UTC)
PUMP = SeriesKey(device="PUMP-1", metric="flow")


def quiet(
    pattern: str = "PUMP-1:*", kind: QuietKind = QuietKind.MAINTENANCE, skips: tuple[Skip, ...] = tuple(Skip)
) -> QuietTime:
    """An hour from START on."""
    return QuietTime(
        kind=kind,
        pattern=pattern,
        begins_at=START,
        ends_at=START + timedelta(hours=1),
        skips=frozenset(skips),
        created_by="ana",
        created_at=START,
        reason="new bearing",
    )


def minutes(number: float) -> datetime:
    """A moment after START."""
    return START + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [("PUMP-1:flow", True), ("PUMP-*", True), ("*:flow", True), ("PUMP-2:*", False), ("pump-1:flow", False)],
)
def test_a_pattern_names_series(pattern: str, is_meant: bool) -> None:
    """Shell patterns of DEVICE:METRIC, in the letters' own case."""
    assert quiet(pattern).is_about(PUMP) is is_meant


def test_an_entry_of_one_tenant_is_not_about_another_ones_series() -> None:
    """Who shares a site may share names; without a tenant everybody's series are meant."""
    foreign = replace(PUMP, tenant=UUID(int=7))
    own = replace(quiet(), tenant=PUMP.tenant)

    assert [own.is_about(PUMP), own.is_about(foreign)] == [True, False]
    assert quiet().is_about(foreign)


@given(st.text(st.sampled_from("ab*?[]!:-"), min_size=1, max_size=8), st.text(st.sampled_from("ab*?[]!:-"), max_size=8))
def test_an_escaped_name_matches_itself_alone(name: str, other: str) -> None:
    """Names may hold the signs of patterns."""
    from fnmatch import fnmatchcase

    assert fnmatchcase(name, escape_pattern(name))
    assert fnmatchcase(other, escape_pattern(name)) is (other == name)


@pytest.mark.parametrize(("minute", "is_spared"), [(-1, False), (0, True), (59, True), (60, False)])
def test_maintenance_spares_alarms_of_its_time(minute: float, is_spared: bool) -> None:
    """Whenever they are told: the reading's time counts, its end no more."""
    reason = find_spared([quiet()], PUMP, at=minutes(minute), now=minutes(500))

    assert reason == ("maintenance until 2025-03-01 01:00Z: new bearing" if is_spared else None)


@pytest.mark.parametrize(("now", "is_spared"), [(-1, False), (30, True), (60, False)])
def test_a_snooze_spares_what_would_be_told_in_its_time(now: float, is_spared: bool) -> None:
    """Whenever the readings were taken."""
    snooze = quiet(kind=QuietKind.SNOOZE, skips=(Skip.ALERTS,))

    assert (find_spared([snooze], PUMP, at=minutes(-300), now=minutes(now)) is not None) is is_spared


def test_alerts_and_training_are_skipped_apart() -> None:
    """Each only where it is named."""
    stamps = to_instant(START) + np.arange(-2, 8).astype("timedelta64[m]") * 10
    readings = Readings.clean(stamps, np.arange(10.0))
    alerts, training = quiet(skips=(Skip.ALERTS,)), quiet(skips=(Skip.TRAINING,))

    assert find_spared([training], PUMP, at=minutes(5), now=minutes(5)) is None
    assert leave_out_quiet(readings, [alerts], PUMP).values.tolist() == list(range(10))
    assert leave_out_quiet(readings, [training], PUMP).values.tolist() == [0, 1, 8, 9]
    assert leave_out_quiet(readings, [training], SeriesKey(device="FAN", metric="flow")) is readings
