"""Slots are moments of a cron schedule in UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.schedule import check_schedule, latest_slot, next_slot
from ml_core.errors import ConfigurationError
from ml_core.manifest import load_manifest

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_the_latest_slot_is_not_after_now_and_the_next_is(now: datetime) -> None:
    """Every schedule of the manifest has now between its latest and its next slot."""
    for spec in load_manifest().tasks:
        slot = latest_slot(spec.schedule, now)

        assert slot <= now < next_slot(spec.schedule, now)
        assert next_slot(spec.schedule, slot) > now or next_slot(spec.schedule, slot) == next_slot(spec.schedule, now)


def test_a_moment_of_the_schedule_is_its_own_slot() -> None:
    """At two o'clock sharp the slot is two o'clock."""
    now = datetime(2026, 3, 29, 2, tzinfo=UTC)

    assert latest_slot("0 2 * * *", now) == now


def test_a_year_of_days_has_one_slot_a_day() -> None:
    """A daily task has 365 slots a year, also on the days when clocks change elsewhere."""
    begin = datetime(2026, 1, 1, 2, tzinfo=UTC)

    slots = {latest_slot("0 2 * * *", begin + timedelta(hours=hour)) for hour in range(365 * 24)}

    assert len(slots) == 365


def test_a_bad_schedule_is_refused_by_its_field() -> None:
    """The error names the field that holds the expression."""
    with pytest.raises(ConfigurationError, match=r"ml_score\.schedule 'every day'"):
        check_schedule("every day", "ml_score.schedule")
