"""Recorded readings: told as the mapped relation tells them, and never before their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from ml_core.adapters.readings.recorded_telemetry import RecordedTelemetry
from ml_core.domain.series import Readings, SeriesKey, to_instant
from ml_core.ports.telemetry import Window

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ONE, OTHER, SILENT = (SeriesKey(device=name, metric="flow") for name in ("ONE", "OTHER", "SILENT"))
HOURS = 48


def at(hours: float) -> datetime:
    """So many hours after the begin."""
    return BEGIN + timedelta(hours=hours)


def hourly(count: int, unusable: int | None = None) -> Readings:
    """A reading an hour, one of them perhaps without a number."""
    values = np.arange(count, dtype=np.float64)
    if unusable is not None:
        values[unusable] = np.nan
    return Readings.clean([to_instant(at(i)) for i in range(count)], values)


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedTelemetry:
    """Two series in two batches, and one without readings."""
    telemetry = RecordedTelemetry(tmp_path, now=BEGIN)
    telemetry.record({ONE: hourly(HOURS, unusable=5)})
    telemetry.record({OTHER: hourly(10), SILENT: hourly(0)})
    return telemetry


@given(now=st.integers(-1, HOURS), after=st.none() | st.integers(-1, HOURS), until=st.integers(0, 2 * HOURS))
@rules(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_known_before_its_time(recorded: RecordedTelemetry, now: int, after: int | None, until: int) -> None:
    """However far a task asks, it gets what had come by then and no more."""
    recorded.now = at(now)
    begin = None if after is None else at(after)

    fetched = recorded.fetch([Window(key=key, after=begin, until=at(until)) for key in (ONE, OTHER, SILENT)])

    for key, held in ((ONE, hourly(HOURS, unusable=5)), (OTHER, hourly(10)), (SILENT, hourly(0))):
        expected = held.between(begin, min(at(until), at(now)))
        assert fetched[key].values.tolist() == expected.values.tolist()
        assert fetched[key].timestamps.tolist() == expected.timestamps.tolist()
    for extent in recorded.survey(until=at(until)).extents:
        assert extent.newest_at <= recorded.now


def test_a_survey_grows_as_time_goes_on(recorded: RecordedTelemetry) -> None:
    """A series is there once its first reading is; one without readings never is."""
    recorded.now = at(20)

    extents = {extent.key: extent for extent in recorded.list_extents(until=at(100))}

    assert extents.keys() == {ONE, OTHER}
    assert (extents[ONE].first_at, extents[ONE].newest_at, extents[ONE].readings) == (at(0), at(20), 20)


def test_unusable_readings_are_told_in_their_time(recorded: RecordedTelemetry) -> None:
    """A reading without a number is counted in the window it came in."""
    recorded.now = at(HOURS)
    early, late = (recorded.fetch([Window(key=ONE, after=at(after), until=at(after + 5))])[ONE] for after in (2, 10))

    assert (early.dropped, [to_instant(at(5))]) == (1, early.dropped_at.tolist())
    assert late.dropped == 0


def test_several_windows_of_a_series_are_one_answer(recorded: RecordedTelemetry) -> None:
    """As the mapped relation answers them; a series that was not recorded is answered with nothing."""
    recorded.now = at(HOURS)
    unknown = SeriesKey(device="UNKNOWN", metric="flow")

    answer = recorded.fetch(
        [
            Window(key=OTHER, after=at(5), until=at(7)),
            Window(key=OTHER, after=at(0), until=at(2)),
            Window(key=unknown, after=None, until=at(7)),
        ]
    )

    assert answer[OTHER].values.tolist() == [1.0, 2.0, 6.0, 7.0]
    assert len(answer[unknown]) == 0
