"""Scoring on real PostgreSQL: each reading once, whatever happens between."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from ml_core.adapters.ledgers.scoring_log import PostgresScoringLog
from ml_core.adapters.postgres.database import Database
from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.policies import ScoringPolicy
from ml_core.domain.scoring.series_scoring import SeriesScoring
from ml_core.domain.series import Readings
from ml_core.errors import ArtifactDamagedError, ConfigurationError
from ml_core.services.runs import RunStopped
from ml_core.services.scoring.artifact_cache import ArtifactCache
from tests.detectors import BrokenDetector, DriftingZDetector, RobustZDetector
from tests.integration.scored_fleet import Fleet, at, noisy


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Fleet:
    """A fleet without series."""
    return Fleet(database=database, folder=tmp_path / "artifacts")


class Killed(BaseException):
    """The process dies here."""


class DyingLog(PostgresScoringLog):
    """A log whose process dies before, or right after, the commit."""

    after_commit = False

    def commit(self, batch: Sequence[SeriesScoring], *, at: datetime, log_normal: bool) -> frozenset[int]:
        """Die."""
        if self.after_commit:
            super().commit(batch, at=at, log_normal=log_normal)
        raise Killed


class DyingAfterCommitLog(DyingLog):
    """The one that has committed."""

    after_commit = True


class MeetingLog(PostgresScoringLog):
    """A log that waits for its rival before it commits, so that both have scored the same readings."""

    def __init__(self, database: Database, meeting: threading.Barrier) -> None:
        super().__init__(database)
        self._meeting = meeting

    def commit(self, batch: Sequence[SeriesScoring], *, at: datetime, log_normal: bool) -> frozenset[int]:
        """Wait, then race."""
        self._meeting.wait(timeout=30)
        return super().commit(batch, at=at, log_normal=log_normal)


def test_a_reading_is_scored_once_however_often_scoring_runs(fleet: Fleet) -> None:
    """A second run finds nothing new and adds nothing."""
    fleet.send(fleet.add_series("PUMP-1"), [5, 10, 15], [0.1, 30.0, 0.2])
    first = fleet.score(at(20))
    before = (fleet.detections(), fleet.activity(), fleet.episodes())

    second = fleet.score(at(20.5))

    assert (first.readings_scored, first.anomalies, first.episodes_opened) == (3, 1, 1)
    assert (second.series, second.readings_scored, second.anomalies) == (0, 0, 0)
    assert before == (fleet.detections(), fleet.activity(), fleet.episodes())
    assert fleet.detections() == [("PUMP-1", 10.0, 30.0, True)]


@pytest.mark.parametrize("log", [DyingLog, DyingAfterCommitLog])
def test_a_killed_run_is_made_up_for_without_a_reading_twice(fleet: Fleet, log: type[DyingLog]) -> None:
    """Whether the process dies just before or just after the commit, each reading is counted once."""
    fleet.send(fleet.add_series("PUMP-1", DriftingZDetector()), [5, 10, 15], [0.1, 30.0, 0.2])
    with pytest.raises(Killed):
        fleet.score(at(20), log=log(fleet.database))

    fleet.score(at(21))

    assert fleet.detections() == [("PUMP-1", 10.0, 30.0, True)]
    assert fleet.activity() == [(3, 1, 1, 0, 0, 1, 1)]


@pytest.mark.parametrize("minutes", [[5, 10, 15], [1.5]], ids=["new readings", "only a late reading"])
def test_of_two_scorers_at_once_one_wins(fleet: Fleet, database_url: str, minutes: list[float]) -> None:
    """Both scored the same readings; one commits, the other is told so series by series and writes nothing."""
    record = fleet.add_series("PUMP-1")
    fleet.send(record, [1, 2], [0.1, 0.2])
    fleet.score(at(2))
    fleet.send(record, minutes, [30.0] * len(minutes))
    meeting = threading.Barrier(2)
    tallies = []

    def run(minute: float) -> None:
        with closing(Database(database_url)) as database:
            rival = Fleet(database=database, folder=fleet.folder)
            # Under names of their own: the ledger alone would already end the run of a rival without the lock.
            recorder = rival.recorder(at(minute), task=f"ml_score at {minute}")
            tallies.append(rival.scoring(at(minute), log=MeetingLog(database, meeting)).score(recorder))

    threads = [threading.Thread(target=run, args=(minute,)) for minute in (20, 20.5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((tally.series, tally.skipped) for tally in tallies) == [(0, 1), (1, 0)]
    assert len(fleet.detections()) == len(minutes)
    assert fleet.activity()[0][0] == 2 + len(minutes)
    skipped = fleet.rows("SELECT reason FROM ml_health.run_item WHERE outcome = 'skipped'")
    assert ["nothing was written" in reason for (reason,) in skipped] == [True]


def test_late_readings_are_scored_within_the_window_and_not_beyond(fleet: Fleet) -> None:
    """With ten minutes of lateness, eleven minutes late is too late."""
    record = fleet.add_series("PUMP-1")
    fleet.send(record, [5, 30], [0.1, 0.2])
    fleet.score(at(30))
    fleet.send(record, [19, 21], [30.0, 40.0])

    tally = fleet.score(at(31))

    assert (tally.readings_scored, tally.late) == (1, 1)
    assert fleet.detections() == [("PUMP-1", 21.0, 40.0, True)]


def test_a_late_reading_adds_to_its_own_hour(fleet: Fleet) -> None:
    """The hour's rollup that is there already grows."""
    record = fleet.add_series("PUMP-1")
    fleet.send(record, [55, 62], [0.1, 0.2])
    fleet.score(at(62))
    fleet.send(record, [57], [0.3])
    fleet.score(at(63))

    hours = fleet.rows("SELECT scored, late, calls FROM ml_health.activity_hourly ORDER BY hour")

    assert hours == [(2, 1, 1), (1, 0, 1)]


def test_one_go_and_many_runs_tell_the_same(fleet: Fleet) -> None:
    """Two equal series, one scored at the end and one every few minutes: same alarms, episodes and counts."""
    minutes, values = np.arange(1.0, 601.0), noisy(600)
    in_one_go = fleet.add_series("A-ONE", DriftingZDetector())
    in_many = fleet.add_series("B-MANY", DriftingZDetector())
    rng = np.random.default_rng(5)
    sent = 0
    while sent < len(values):
        step = int(rng.integers(1, 40))
        fleet.send(in_many, minutes[sent : sent + step], values[sent : sent + step])
        sent += step
        fleet.score(at(minutes[min(sent, 600) - 1]))
    fleet.send(in_one_go, minutes, values)
    fleet.score(at(601))

    detections = fleet.detections()
    one, many = ([row[1:] for row in detections if row[0] == device] for device in ("A-ONE", "B-MANY"))
    assert one == many
    assert len(one) > 5
    told = fleet.episodes()
    episodes_of_one, episodes_of_many = (
        [row[1:] for row in told if row[0] == record.series_id] for record in (in_one_go, in_many)
    )
    assert episodes_of_one == episodes_of_many
    states = fleet.log.load([in_one_go.series_id, in_many.series_id])
    assert states[in_one_go.series_id].state == states[in_many.series_id].state
    sums = fleet.rows(
        "SELECT sum(scored), sum(anomalies), sum(episodes), sum(out_of_range) FROM ml_health.activity_hourly "
        "GROUP BY series_id"
    )
    assert sums[0] == sums[1]


def test_a_damaged_artifact_stops_only_its_own_series(fleet: Fleet) -> None:
    """The run names it with the reason; the others are scored; a sound artifact later makes up for it."""
    broken = fleet.add_series("BROKEN")
    champion = fleet.champion(broken)
    sound = fleet.add_series("SOUND", DriftingZDetector())
    assert champion is not None
    assert champion.artifact_sha256 is not None
    path = fleet.folder / champion.artifact_sha256[:2] / champion.artifact_sha256
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1])
    for record in (broken, sound):
        fleet.send(record, [5], [30.0])

    tally = fleet.score(at(6))

    assert (tally.failed, tally.readings_scored) == (1, 1)
    items = fleet.rows("SELECT series_id, outcome, reason FROM ml_health.run_item")
    assert [(series, outcome) for series, outcome, _ in items] == [(broken.series_id, "failed")]
    assert "checksum" in items[0][2]

    path.write_bytes(content)
    fleet.score(at(7))

    assert fleet.detections() == [("BROKEN", 5.0, 30.0, True), ("SOUND", 5.0, 30.0, True)]


def test_a_detector_that_raises_stops_only_its_own_series(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """A surprise inside one detector is recorded with its series, and the log has the trace."""
    for device, detector in (("A", BrokenDetector()), ("B", RobustZDetector())):
        fleet.send(fleet.add_series(device, detector), [5], [30.0])

    tally = fleet.score(at(6))

    assert (tally.failed, tally.readings_scored) == (1, 1)
    assert fleet.rows("SELECT reason FROM ml_health.run_item") == [("ZeroDivisionError: the level is 0",)]
    assert "scoring A:flow failed" in caplog.text


def test_what_the_store_refuses_fails_alone(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """A rule of the platform's that one series breaks, such as a check of its table, keeps no other one out."""
    records = [fleet.add_series(f"PUMP-{number}") for number in range(5)]
    for record in records:
        fleet.send(record, [1], [30.0])
    fleet.rows(
        "ALTER TABLE public.anomaly_detections ADD CONSTRAINT platform_rule CHECK (device_id <> 'PUMP-3'); SELECT 1"
    )

    tally = fleet.score(at(5))

    ((device, reason),) = fleet.rows(
        "SELECT device_id, reason FROM ml_health.run_item JOIN ml_health.series ON series.id = series_id"
    )
    assert (tally.series, tally.failed) == (4, 1)
    assert [row[0] for row in fleet.detections()] == ["PUMP-0", "PUMP-1", "PUMP-2", "PUMP-4"]
    assert (device, "platform_rule" in reason) == ("PUMP-3", True)


class WordyDetector(RobustZDetector):
    """Gives reasons, and fails, in words that PostgreSQL cannot hold."""

    kind = "wordy"

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Say what a broken sensor's firmware said."""
        if batch.values.max() > 40:
            raise ValueError("sensor said \x00\ud800")
        scored, state = super().update(artifact, state, batch)
        return replace(scored, reasons={0: {"said": "a\x00b\ud800"}}), state


def test_words_that_no_text_can_hold_are_cleaned(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """NUL and halves of characters, in a reason or in an exception, keep nothing from being written."""
    fleet.send(fleet.add_series("SAYS", WordyDetector()), [1], [30.0])
    fleet.send(fleet.add_series("FAILS", WordyDetector()), [1], [50.0])

    tally = fleet.score(at(5), kinds=[WordyDetector()])

    assert (tally.series, tally.failed) == (1, 1)
    assert fleet.rows("SELECT metadata FROM public.anomaly_detections") == [({"said": "ab?"},)]
    assert fleet.rows("SELECT reason FROM ml_health.run_item") == [("ValueError: sensor said ?",)]


def test_a_repeated_slot_tells_that_a_failed_series_was_mended(fleet: Fleet) -> None:
    """The second attempt's success replaces the first attempt's failure."""
    record = fleet.add_series("A", BrokenDetector())
    fleet.send(record, [5], [0.1])
    slot = at(6)
    first = fleet.recorder(slot, slot=slot)
    fleet.scoring(slot).score(first)
    assert first.run is not None
    with fleet.database.transaction() as cur:
        cur.execute("UPDATE ml_health.run SET outcome = 'partial'")
    fleet.promote(record, RobustZDetector())

    fleet.scoring(slot).score(fleet.recorder(slot, slot=slot))

    assert fleet.rows("SELECT outcome, reason FROM ml_health.run_item") == [("succeeded", None)]


def test_the_tenant_is_carried(fleet: Fleet) -> None:
    """Two tenants may use the same names; each one's anomalies bear its own id."""
    tenants = [uuid4(), uuid4()]
    records = [fleet.add_series("PUMP-1", tenant=tenant) for tenant in tenants]
    fleet.send(records[0], [5], [30.0])
    fleet.send(records[1], [6], [40.0])

    fleet.score(at(7))

    told = fleet.rows("SELECT tenant_id, value FROM public.anomaly_detections ORDER BY value")
    assert told == [(tenants[0], 30.0), (tenants[1], 40.0)]


def test_a_month_long_gone_gets_its_partition(fleet: Fleet) -> None:
    """A backlog of years ago is scored; only the months that are needed are made."""
    start = at(0) - timedelta(days=2000)
    record = fleet.add_series("OLD", start=start)
    minute = -2000 * 1440 + 5.0
    fleet.send(record, [minute], [30.0])
    fleet.send(fleet.add_series("NEW"), [5], [30.0])

    fleet.score(at(6))

    assert [row[1] for row in fleet.detections()] == [5.0, minute]
    parts = fleet.rows(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid "
        "WHERE inhparent = 'public.anomaly_detections'::regclass ORDER BY 1"
    )
    assert parts == [(f"anomaly_detections_{part}",) for part in ("2019_09", "2025_03", "default")]


def test_a_backlog_is_scored_over_several_runs_and_across_gaps(fleet: Fleet) -> None:
    """A run takes at most some days of one series; an empty stretch longer than that is crossed."""
    fleet.policy = ScoringPolicy(max_days_per_run=1)
    record = fleet.add_series("PUMP-1")
    days = [0.5, 0.9, 5.5]
    fleet.send(record, [day * 1440 for day in days], [30.0] * 3)
    fleet.series.register(fleet.scoring(at(0)).telemetry.list_extents(until=at(10 * 1440)), at=at(0))

    scored = [fleet.score(at(6 * 1440 + run)).readings_scored for run in range(8)]

    assert scored == [2, 0, 0, 0, 0, 1, 0, 0]


def test_a_series_that_rests_keeps_its_watermark(fleet: Fleet) -> None:
    """With nothing beyond it, the watermark stays: a device's own backlog after an outage is scored."""
    fleet.policy = ScoringPolicy(max_days_per_run=1)
    record = fleet.add_series("PUMP-1")
    fleet.send(record, [5], [0.1])
    fleet.score(at(6))
    fleet.score(at(20 * 1440))
    fleet.send(record, [600], [30.0])

    assert fleet.score(at(20 * 1440 + 5)).anomalies == 1


def test_a_promoted_model_goes_on_from_the_same_watermark(fleet: Fleet) -> None:
    """The new model scores what is new, with an empty state, and nothing again."""
    record = fleet.add_series("PUMP-1", DriftingZDetector())
    fleet.send(record, [5, 10], [0.1, 30.0])
    fleet.score(at(10))
    version = fleet.promote(record, RobustZDetector(), start=at(11))
    fleet.send(record, [12], [30.0])

    tally = fleet.score(at(13))

    assert tally.readings_scored == 1
    state = fleet.log.load([record.series_id])[record.series_id]
    assert (state.model_id, state.watermark, state.state) == (version.model_id, at(12), b"")
    models = fleet.rows('SELECT model_id FROM public.anomaly_detections ORDER BY "timestamp"')
    assert models[-1] == (version.model_id,)


def test_retraining_keeps_what_was_scored_and_what_was_not(fleet: Fleet) -> None:
    """`begin` under a new model empties the state; readings not scored yet are scored by the new model."""
    record = fleet.add_series("PUMP-1", DriftingZDetector())
    fleet.send(record, [5], [0.1])
    fleet.score(at(5))
    fleet.send(record, [8], [30.0])
    version = fleet.promote(record, RobustZDetector(), start=at(9))
    fleet.log.begin(record.series_id, version.model_id, watermark=at(9), at=at(9))

    assert fleet.score(at(10)).readings_scored == 1


def test_a_dry_run_counts_and_writes_nothing(fleet: Fleet) -> None:
    """It says what would be scored."""
    fleet.send(fleet.add_series("PUMP-1"), [5, 10], [0.1, 30.0])

    tally = fleet.score(at(11), dry_run=True)

    assert (tally.readings_scored, tally.anomalies) == (2, 1)
    assert fleet.detections() == []
    assert fleet.rows("SELECT * FROM ml_health.detector_state") == []


def test_normal_readings_are_logged_on_demand(fleet: Fleet) -> None:
    """With log_normal every reading has its row; only anomalies belong to an episode."""
    fleet.policy = ScoringPolicy(log_normal=True)
    fleet.send(fleet.add_series("PUMP-1"), [5, 10, 15], [0.1, 30.0, 0.2])

    fleet.score(at(20))

    assert fleet.rows(
        'SELECT is_anomaly, episode_id IS NOT NULL FROM public.anomaly_detections ORDER BY "timestamp"'
    ) == [(False, False), (True, True), (False, False)]


def test_only_the_named_series_is_scored(fleet: Fleet) -> None:
    """A name that nobody has is refused; shards are as large as the policy says."""
    fleet.policy = replace(ScoringPolicy(), series_per_batch=1)
    for device in ("A", "B:C"):
        fleet.send(fleet.add_series(device), [5], [30.0])

    fleet.scoring(at(6)).score(fleet.recorder(at(6)), only="B:C:flow")

    assert [row[0] for row in fleet.detections()] == ["B:C"]
    with pytest.raises(ConfigurationError, match="no series 'C:flow' is known"):
        fleet.scoring(at(7)).score(fleet.recorder(at(7)), only="C:flow")


def test_a_run_that_is_asked_to_stop_keeps_what_it_committed(fleet: Fleet) -> None:
    """It stops between two shards, and the next run goes on with the rest."""
    fleet.policy = replace(ScoringPolicy(), series_per_batch=1)
    for device in ("A", "B"):
        fleet.send(fleet.add_series(device), [5], [30.0])
    recorder = fleet.recorder(at(6))
    recorder.should_stop = lambda: True
    with pytest.raises(RunStopped):
        fleet.scoring(at(6)).score(recorder)
    stopped_after = [row[0] for row in fleet.detections()]

    fleet.score(at(7))

    assert stopped_after == ["A"]
    assert [row[0] for row in fleet.detections()] == ["A", "B"]


def test_models_at_hand_are_bounded_and_survive_their_file(fleet: Fleet) -> None:
    """A model in memory answers after its file is gone; one that was pushed out is read again."""
    fleet.add_series("A")
    (version,) = fleet.models.list_versions()
    assert version.artifact_sha256 is not None
    roomy = ArtifactCache(fleet.artifacts, max_bytes=1_000_000)
    tight = ArtifactCache(fleet.artifacts, max_bytes=1)
    for cache in (roomy, tight):
        assert cache.read(version.artifact_sha256).kind == "robust_z"
    path = fleet.folder / version.artifact_sha256[:2] / version.artifact_sha256
    path.chmod(0o600)
    path.write_bytes(b"damaged")

    assert roomy.read(version.artifact_sha256).kind == "robust_z"
    with pytest.raises(ArtifactDamagedError):
        tight.read(version.artifact_sha256)
