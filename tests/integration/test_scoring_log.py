"""The scoring log on real PostgreSQL: one transaction, all or nothing, and what is read back of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_core.adapters.ledgers.activity_log import PostgresActivityLog
from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.detectors.detector import Detector, FitOptions, ModelArtifact
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.scoring.rollup import HourlyActivity
from ml_core.domain.scoring.scoring_state import ScoringState, pick_new
from ml_core.domain.scoring.series_scoring import SeriesScoring, Told, carried_state, conclude_batch
from ml_core.domain.series import Readings, to_instant
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task
from ml_core.ports.activity_log import Activity
from ml_core.settings import load_settings
from tests.detectors import DriftingZDetector, RobustZDetector
from tests.integration.scored_fleet import START, Fleet, at

LATENESS = timedelta(minutes=10)
HOUR = timedelta(hours=1)


class _Forest(IsolationForestDetector):
    """The product's detector, content with a day of readings."""

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Train on as many readings as there are."""
        return super().fit(readings, replace(options, min_readings=100))


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Fleet:
    """A fleet without series."""
    return Fleet(database=database, folder=tmp_path / "artifacts")


def _begin(fleet: Fleet, device: str, detector: Detector | None = None) -> tuple[SeriesRecord, ScoringState]:
    record = fleet.add_series(device, detector or RobustZDetector())
    champion = fleet.champion(record)
    assert champion is not None
    fleet.log.begin(record.series_id, champion.model_id, watermark=START, at=START)
    return record, fleet.log.load([record.series_id])[record.series_id]


def _score(
    fleet: Fleet,
    record: SeriesRecord,
    before: ScoringState,
    values: dict[float, float],
    detector: Detector | None = None,
) -> SeriesScoring:
    chosen = detector or RobustZDetector()
    new = pick_new(
        before,
        Readings.clean([to_instant(at(minute)) for minute in values], list(values.values())),
        lateness=LATENESS,
    )
    champion = fleet.champion(record)
    assert new is not None
    assert champion is not None
    assert champion.artifact_sha256 is not None
    artifact = fleet.scoring(START).artifacts.read(champion.artifact_sha256)
    scored, state = chosen.update(artifact, carried_state(before, champion.model_id), new.batch)
    told = Told(scored=scored, state=state, latency_ms=1.5)
    return conclude_batch(told, artifact, before, new, key=record.key, model_id=champion.model_id, lateness=LATENESS)


def _commit(fleet: Fleet, *batch: SeriesScoring, log_normal: bool = False) -> frozenset[int]:
    return fleet.log.commit(batch, at=at(100), log_normal=log_normal)


def test_what_is_saved_is_loaded_again(fleet: Fleet) -> None:
    """State, watermark, recent instants and the open episode come back as they were."""
    record, before = _begin(fleet, "PUMP-1", DriftingZDetector())
    scoring = _score(fleet, record, before, {1: 0.1, 4.000001: 30.0, 9: 0.2}, DriftingZDetector())

    assert _commit(fleet, scoring) == frozenset()
    assert len(fleet.detections()) == 1
    (after,) = fleet.log.load([record.series_id]).values()
    assert (after.state, after.watermark, after.scored_from) == (scoring.after.state, at(9), START)
    assert after.recent.tolist() == scoring.after.recent.tolist()
    assert scoring.after.open_episode is not None
    assert after.open_episode is not None
    assert replace(after.open_episode, episode_id=None) == scoring.after.open_episode
    assert after.revision == before.revision + 1


def test_a_series_that_was_never_begun_has_no_state(fleet: Fleet) -> None:
    """Only series with a state are answered."""
    assert fleet.log.load([1, 2, 3]) == {}


def test_beginning_twice_under_one_model_changes_nothing(fleet: Fleet) -> None:
    """A retrain that is resumed does not lose what scoring has done since."""
    record, before = _begin(fleet, "PUMP-1", DriftingZDetector())
    _commit(fleet, _score(fleet, record, before, {5: 0.1}, DriftingZDetector()))
    (scored,) = fleet.log.load([record.series_id]).values()

    fleet.log.begin(record.series_id, before.model_id, watermark=at(60), at=at(60))

    (after,) = fleet.log.load([record.series_id]).values()
    assert (after.state, after.watermark, after.revision) == (scored.state, at(5), scored.revision)


def test_a_detection_carries_its_evidence(fleet: Fleet) -> None:
    """Score, band, reason, episode, model and both times stand in the platform's table."""
    record, before = _begin(fleet, "PUMP-1")
    scoring = _score(fleet, record, before, {5: 30.0})

    _commit(fleet, scoring)

    rows = fleet.rows(
        "SELECT device_id, metric_name, series_id, model_id, anomaly_score, frozen_score, is_anomaly, severity, "
        'band_low, band_high, metadata, "timestamp", detected_at, '
        "(SELECT opened_at FROM ml_health.episode WHERE id = episode_id) FROM public.anomaly_detections"
    )
    scored = scoring.scored
    assert rows == [
        (
            "PUMP-1",
            "flow",
            record.series_id,
            before.model_id,
            scored.scores[0],
            None,
            True,
            scored.severities[0],
            scored.band_low[0],
            scored.band_high[0],
            scored.reasons[0],
            at(5),
            at(100),
            at(5),
        )
    ]


def test_an_isolation_forest_tells_its_frozen_score(fleet: Fleet) -> None:
    """For the kind that is its own frozen reference, both scores are the same."""
    record, before = _begin(fleet, "PUMP-1", _Forest())
    _commit(fleet, _score(fleet, record, before, {5: 30.0}, _Forest()))

    assert fleet.rows("SELECT anomaly_score = frozen_score FROM public.anomaly_detections") == [(True,)]


def test_of_a_series_that_moved_nothing_is_written(fleet: Fleet) -> None:
    """It is told; the others' detections, episodes, rollups and states are kept."""
    (moved, before_moved), (other, before_other) = _begin(fleet, "MOVED"), _begin(fleet, "OTHER")
    batch = [_score(fleet, moved, before_moved, {5: 30.0}), _score(fleet, other, before_other, {5: 30.0})]
    _commit(fleet, batch[0])

    told = _commit(fleet, *batch)

    assert told == {moved.series_id}
    assert [row[0] for row in fleet.detections()] == ["MOVED", "OTHER"]
    assert fleet.activity()[0][0] == 2
    assert fleet.log.load([other.series_id])[other.series_id].watermark == at(5)


def test_a_new_model_fences_off_whoever_scored_with_the_old_one(fleet: Fleet) -> None:
    """What the old model said after its successor began is not written."""
    record, before = _begin(fleet, "PUMP-1")
    scoring = _score(fleet, record, before, {5: 30.0})
    version = fleet.promote(record, DriftingZDetector())
    fleet.log.begin(record.series_id, version.model_id, watermark=START, at=at(6))

    assert _commit(fleet, scoring) == {record.series_id}
    assert fleet.detections() == []


def test_one_batch_may_close_an_episode_and_open_another(fleet: Fleet) -> None:
    """Each alarm bears the number of its own episode, also across batches."""
    record, before = _begin(fleet, "PUMP-1")
    _commit(fleet, _score(fleet, record, before, {1: 30.0}))
    (before,) = fleet.log.load([record.series_id]).values()
    quiet = {float(minute): 0.1 for minute in range(3, 13)}

    _commit(fleet, _score(fleet, record, before, {2: 40.0} | quiet | {20: 50.0}))

    assert [row[1:5] for row in fleet.episodes()] == [(at(1), at(2), at(12), 2), (at(20), at(20), None, 1)]
    alarms = fleet.rows(
        "SELECT value, dense_rank() OVER (ORDER BY episode_id) FROM public.anomaly_detections ORDER BY value"
    )
    assert alarms == [(30.0, 1), (40.0, 1), (50.0, 2)]
    assert fleet.activity()[0][2] == 2


def test_models_that_scored_are_marked_as_used(fleet: Fleet) -> None:
    """The platform's last_used_at is the time of the commit."""
    record, before = _begin(fleet, "PUMP-1")
    _commit(fleet, _score(fleet, record, before, {5: 0.1}))
    _begin(fleet, "IDLE")

    assert fleet.rows("SELECT last_used_at FROM public.ml_models ORDER BY device_id") == [(None,), (at(100),)]


def test_an_empty_batch_writes_nothing(fleet: Fleet) -> None:
    """A tick without new readings leaves nothing."""
    assert _commit(fleet) == frozenset()
    assert fleet.activity() == [(None,) * 7]


def test_activity_is_summed_over_hours(fleet: Fleet) -> None:
    """Counts add up, the p95 is a bucket's bound, and a series that did nothing is answered too."""
    record, before = _begin(fleet, "PUMP-1")
    _commit(fleet, _score(fleet, record, before, {5: 0.1, 65: 30.0, 66: 0.2}))
    (before,) = fleet.log.load([record.series_id]).values()
    _commit(fleet, _score(fleet, record, before, {67: 0.3}))
    idle, _ = _begin(fleet, "IDLE")
    log = PostgresActivityLog(fleet.database)

    told = log.read_activity([record.series_id, idle.series_id, -1], after=START - HOUR, until=START + HOUR)

    assert told == {
        record.series_id: Activity(
            scored=4, anomalies=1, episodes=1, out_of_range=1, calls=2, latency_p95_ms=2, watermark=at(67)
        ),
        idle.series_id: Activity(watermark=START),
        -1: Activity(),
    }


def test_the_hours_of_a_range_are_those_after_its_start(fleet: Fleet) -> None:
    """after < hour <= until."""
    record, before = _begin(fleet, "PUMP-1")
    _commit(fleet, _score(fleet, record, before, {5: 0.1, 65: 0.1, 125: 0.1}))
    log = PostgresActivityLog(fleet.database)

    told = log.read_activity([record.series_id], after=START, until=START + HOUR)

    assert (told[record.series_id].scored, told[record.series_id].calls) == (1, 0)


def test_latency_histograms_add_up_bucket_by_bucket(fleet: Fleet) -> None:
    """A slow call and two fast ones in one hour stay apart."""
    record, state = _begin(fleet, "PUMP-1")
    for minute, latency_ms in enumerate((0.05, 3000.0, 0.05), start=1):
        scoring = _score(fleet, record, state, {float(minute): 0.1})
        hour = HourlyActivity(hour=START, scored=1, latency_ms=latency_ms)
        _commit(fleet, replace(scoring, activity=[hour]))
        (state,) = fleet.log.load([record.series_id]).values()

    ((buckets, total),) = fleet.rows("SELECT latency_buckets, latency_ms_sum FROM ml_health.activity_hourly")

    assert buckets == [2, *[0] * 12, 1]
    assert total == pytest.approx(3000.1)


def test_the_fleets_hours_are_the_sums_of_its_series_hours(fleet: Fleet) -> None:
    """Whatever is scored, in whatever batches: counts, histogram and expected alarms add up by site and metric."""
    for device, latency_ms in (("PUMP-1", 0.3), ("PUMP-2", 7.0)):
        record, state = _begin(fleet, device)
        for minutes in ([5, 10, 70], [71, 64, 190]):
            scoring = _score(fleet, record, state, {float(minute): 0.1 * minute for minute in minutes})
            _commit(
                fleet, replace(scoring, activity=[replace(hour, latency_ms=latency_ms) for hour in scoring.activity])
            )
            (state,) = fleet.log.load([record.series_id]).values()

    counts = "scored, anomalies, episodes, late, dropped, out_of_range, calls"
    sums = ", ".join(f"sum({name})::bigint" for name in counts.split(", "))
    bucket = "(SELECT array_agg(calls ORDER BY bucket) FROM (SELECT bucket, sum(histogram.calls)::bigint AS calls FROM"
    expected = fleet.rows(
        f"SELECT hour, 'main', {sums}, {bucket} ml_health.activity_hourly AS own CROSS JOIN"
        " unnest(own.latency_buckets) WITH ORDINALITY AS histogram (calls, bucket)"
        " WHERE own.hour = activity.hour GROUP BY bucket) AS told)"
        " FROM ml_health.activity_hourly AS activity GROUP BY hour ORDER BY hour"
    )
    found = fleet.rows(f"SELECT hour, site, {counts}, latency_buckets FROM ml_health.fleet_hourly ORDER BY hour")
    assert len(found) > 2
    assert found == expected
    targets = fleet.rows(
        "SELECT sum(scored * target_alarm_rate) FROM ml_health.activity_hourly JOIN public.ml_models USING (series_id)"
    )
    assert fleet.rows("SELECT sum(expected_alarms) FROM ml_health.fleet_hourly") == [(pytest.approx(targets[0][0]),)]


def test_the_task_scores_through_the_one_code_path(fleet: Fleet, database_url: str, tmp_path: Path) -> None:
    """`ml_score` as a host, the command line or the scheduler runs it; the same slot does not run twice."""
    record = fleet.add_series("PUMP-1", _Forest())
    fleet.send(record, [5, 10], [0.1, 30.0])
    settings = load_settings({"ML_HEALTH_HOME": str(tmp_path), "ML_HEALTH_DATABASE_URL": database_url})
    platform = Platform(settings)
    now = datetime(2025, 3, 1, 10, 12, tzinfo=UTC)

    first, again = (run_task(platform, "ml_score", now=now) for _ in range(2))
    named = run_task(platform, "ml_score", now=now + HOUR, params={"series": "PUMP-2:flow"})
    platform.close()

    assert (first.outcome, again.outcome) == (Outcome.SUCCEEDED, Outcome.SKIPPED)
    assert first.counts == {
        "series": 1,
        "readings_scored": 2,
        "anomalies": 1,
        "episodes_opened": 1,
        "late": 0,
        "dropped": 0,
        "failed": 0,
        "skipped": 0,
        "alerts_told": 1,
    }
    assert fleet.detections() == [("PUMP-1", 10.0, 30.0, True)]
    assert (named.outcome, named.reason) == (
        Outcome.FAILED,
        "no series 'PUMP-2:flow' is known; `ml-health status --series` lists them",
    )
