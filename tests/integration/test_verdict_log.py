"""What people said of alarms, on real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest

from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.ledgers.verdict_log import PostgresVerdictLog
from ml_core.adapters.postgres.database import Database
from ml_core.domain.reviews.operator_verdict import NewVerdict, OperatorVerdict, VerdictCounts
from ml_core.domain.series import Readings, SeriesKey, to_instant
from ml_core.domain.series_record import SeriesExtent

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)


@pytest.fixture
def series_id(database: Database) -> int:
    """One known series."""
    registry = PostgresSeriesRegistry(database)
    key = SeriesKey(device="PUMP-1", metric="flow")
    registry.register([SeriesExtent(key=key, first_at=NOW, newest_at=NOW, readings=1)], at=NOW)
    return registry.list_series()[0].series_id


def verdict(
    series_id: int, said: OperatorVerdict, reading: UUID, *, days_ago: float = 1, episode_id: int | None = None
) -> NewVerdict:
    """A person's word on a reading."""
    return NewVerdict(
        detection_id=reading,
        detection_timestamp=NOW - timedelta(days=days_ago),
        series_id=series_id,
        verdict=said,
        given_by="ana",
        given_at=NOW,
        note="looked at it",
        episode_id=episode_id,
    )


def count(database: Database, *series_ids: int) -> dict[int, VerdictCounts]:
    """The latest verdicts of a month."""
    log = PostgresVerdictLog(database)
    return dict(log.count_latest(series_ids, after=NOW - timedelta(days=30), until=NOW))


def draw(database: Database, series_id: int, *, readings: int, probability: float) -> UUID:
    """An hour of the audit."""
    sample = uuid4()
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.audit_sample SELECT %s, %s, %s - count(*) * interval '1 hour', %s, %s, %s"
            " FROM ml_health.audit_sample",
            (sample, series_id, NOW, readings, probability, NOW),
        )
    return sample


def test_the_latest_verdict_on_a_reading_counts(database: Database, series_id: int) -> None:
    """A person may change their mind; earlier words stay in the log but are not counted."""
    log, reading = PostgresVerdictLog(database), uuid4()
    log.add(verdict(series_id, OperatorVerdict.CONFIRMED, reading))
    log.add(verdict(series_id, OperatorVerdict.FALSE_ALARM, reading))

    assert count(database, series_id) == {series_id: VerdictCounts(false_alarm=1, reviews=1, alarm_squares=1)}


def test_alarms_of_one_episode_are_one_review(database: Database, series_id: int) -> None:
    """Each is counted, but they are no independent cases."""
    words = [verdict(series_id, OperatorVerdict.CONFIRMED, uuid4(), episode_id=7) for _ in range(5)]
    PostgresVerdictLog(database).add(*words, verdict(series_id, OperatorVerdict.FALSE_ALARM, uuid4()))

    expected = VerdictCounts(confirmed=5, false_alarm=1, reviews=2, alarm_squares=5**2 + 1)
    assert count(database, series_id) == {series_id: expected}


def test_an_audited_hour_counts_for_the_readings_it_stands_for(database: Database, series_id: int) -> None:
    """Sixty readings drawn with a probability of a tenth stand for six hundred."""
    common = draw(database, series_id, readings=60, probability=0.1)
    rare = draw(database, series_id, readings=10, probability=1.0)
    PostgresVerdictLog(database).add(
        verdict(series_id, OperatorVerdict.NORMAL, common), verdict(series_id, OperatorVerdict.MISSED, rare)
    )

    expected = VerdictCounts(
        missed=1, normal=1, audit_weight=610, normal_weight=600, audit_weight_squares=600**2 + 10**2
    )
    assert count(database, series_id) == {series_id: expected}


def test_what_people_report_by_themselves_is_no_random_sample(database: Database, series_id: int) -> None:
    """A stretch that was not drawn enters no rate."""
    PostgresVerdictLog(database).add(verdict(series_id, OperatorVerdict.MISSED, uuid4()))

    assert count(database, series_id) == {series_id: VerdictCounts()}


def test_old_readings_are_not_counted_and_every_series_is_answered(database: Database, series_id: int) -> None:
    """Verdicts on readings before the range say nothing of today's models."""
    PostgresVerdictLog(database).add(verdict(series_id, OperatorVerdict.CONFIRMED, uuid4(), days_ago=31))

    assert count(database, series_id, 999) == {series_id: VerdictCounts(), 999: VerdictCounts()}


def test_a_missed_stretch_is_not_trained_on(database: Database, series_id: int) -> None:
    """Which of its readings was the anomaly nobody said, so none of them is learned."""
    log, stretch = PostgresVerdictLog(database), uuid4()
    said = verdict(series_id, OperatorVerdict.MISSED, stretch)
    begin = said.detection_timestamp
    log.add(NewVerdict(**{**vars(said), "window_until": begin + timedelta(hours=1)}))
    stamps = to_instant(begin) + np.arange(-2, 10).astype("timedelta64[m]") * 10
    readings = Readings.clean(stamps, np.arange(12.0))

    judged = log.list_judged([series_id])[series_id]

    assert judged.without_anomalies(readings).values.tolist() == [0, 1, 8, 9, 10, 11]

    log.add(verdict(series_id, OperatorVerdict.NORMAL, stretch))

    assert log.list_judged([series_id]) == {}
