"""What people said of alarms, on real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from ml_core.adapters.postgres import Database
from ml_core.adapters.series_registry import PostgresSeriesRegistry
from ml_core.adapters.verdict_log import PostgresVerdictLog
from ml_core.domain.operator_verdict import NewVerdict, OperatorVerdict, VerdictCounts
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)


@pytest.fixture
def series_id(database: Database) -> int:
    """One known series."""
    registry = PostgresSeriesRegistry(database)
    key = SeriesKey(device="PUMP-1", metric="flow")
    registry.register([SeriesExtent(key=key, first_at=NOW, newest_at=NOW, readings=1)], at=NOW)
    return registry.list_series()[0].series_id


def verdict(series_id: int, said: OperatorVerdict, reading: UUID, *, days_ago: float = 1) -> NewVerdict:
    """A person's word on a reading."""
    return NewVerdict(
        detection_id=reading,
        detection_timestamp=NOW - timedelta(days=days_ago),
        series_id=series_id,
        verdict=said,
        given_by="ana",
        given_at=NOW,
        note="looked at it",
    )


def test_the_latest_verdict_on_a_reading_counts(database: Database, series_id: int) -> None:
    """A person may change their mind; earlier words stay in the log but are not counted."""
    log, reading = PostgresVerdictLog(database), uuid4()
    log.add(verdict(series_id, OperatorVerdict.CONFIRMED, reading))
    log.add(verdict(series_id, OperatorVerdict.FALSE_ALARM, reading))
    log.add(verdict(series_id, OperatorVerdict.NORMAL, uuid4()))
    log.add(verdict(series_id, OperatorVerdict.MISSED, uuid4()))

    counts = log.count_latest([series_id], after=NOW - timedelta(days=30), until=NOW)

    assert counts == {series_id: VerdictCounts(false_alarm=1, normal=1, missed=1)}


def test_old_readings_are_not_counted_and_every_series_is_answered(database: Database, series_id: int) -> None:
    """Verdicts on readings before the range say nothing of today's models."""
    log = PostgresVerdictLog(database)
    log.add(verdict(series_id, OperatorVerdict.CONFIRMED, uuid4(), days_ago=31))

    counts = log.count_latest([series_id, 999], after=NOW - timedelta(days=30), until=NOW)

    assert counts == {series_id: VerdictCounts(), 999: VerdictCounts()}
