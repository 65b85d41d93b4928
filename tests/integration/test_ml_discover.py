"""Discovery on real PostgreSQL: registered, waiting with a time, trained, given up, broken off and mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series_record import SeriesState
from ml_core.domain.task import Outcome
from ml_core.errors import DatabaseUnavailableError
from ml_core.settings import ArtifactSettings, DatabaseSettings, ExecutionSettings, Settings
from tests.integration.trained_site import (
    NOW,
    TEN_MINUTES,
    discover,
    events_of,
    healthy,
    killed_at,
    only_record,
    open_finding,
    write_readings,
)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A site with a fresh database and an artifact folder of its own."""
    return Settings(home=tmp_path, database=DatabaseSettings(url=database_url))


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The site."""
    with closing(Platform(settings)) as opened:
        yield opened


def test_new_series_gets_its_first_model(platform: Platform, database: Database) -> None:
    """Enough readings: found, trained, promoted, scored from the end of its training, with a gold window."""
    write_readings(database, "PUMP-1", healthy(3000), until=NOW)

    result = discover(platform)

    record = only_record(platform)
    (version,) = platform.models.list_versions()
    assert result.outcome is Outcome.SUCCEEDED
    assert (result.counts["found"], result.counts["trained"]) == (1, 1)
    assert record.state is SeriesState.MODELLED
    assert (version.status, version.cause, version.training_to) == (ModelStatus.ACTIVE, "first", NOW)
    # What its alarms are held against is the budget that they keep to, not the frozen reference's target.
    assert version.target_alarm_rate == pytest.approx(1 / 2500)
    state = platform.scoring.load([record.series_id])[record.series_id]
    assert (state.watermark, state.model_id) == (NOW, version.model_id)
    assert len(platform.gold.load([record.series_id])[record.series_id]) == platform.settings.gate.gold_readings
    assert [event for event, _, _ in events_of(database)] == ["trained", "promoted"]


def test_second_run_changes_nothing(platform: Platform, database: Database) -> None:
    """A modelled series is no business of discovery's any more."""
    write_readings(database, "PUMP-1", healthy(500), until=NOW)
    discover(platform)

    result = discover(platform, NOW + timedelta(hours=1))

    assert (result.counts["found"], result.counts["trained"]) == (0, 0)
    assert len(platform.models.list_versions()) == 1


def test_too_few_readings_wait_until_there_are_enough(platform: Platform, database: Database) -> None:
    """A young series is promised a time, is left alone before it, and trained after it."""
    values = healthy(200)
    write_readings(database, "PUMP-1", values[:100], until=NOW)

    discover(platform)
    waiting = only_record(platform)
    write_readings(database, "PUMP-1", values[100:], until=NOW + 100 * TEN_MINUTES)
    result = discover(platform, NOW + 100 * TEN_MINUTES)

    assert waiting.state is SeriesState.COLLECTING
    assert waiting.trainable_at == NOW + 100 * TEN_MINUTES
    assert waiting.state_reason == "100 of 200 readings"
    assert result.counts["trained"] == 1


def test_slow_series_is_told_what_to_change(platform: Platform, database: Database) -> None:
    """One reading a day never fills a window of four weeks, and the reason says what to do."""
    write_readings(database, "PUMP-1", healthy(30), until=NOW, every=timedelta(days=1))

    discover(platform)

    record = only_record(platform)
    assert record.trainable_at is None
    assert "widen training.window_days" in str(record.state_reason)


def test_old_history_alone_is_not_trained_on(platform: Platform, database: Database) -> None:
    """Many readings long ago and few now: the series collects anew."""
    write_readings(database, "PUMP-1", healthy(1000), until=NOW - timedelta(days=90))
    write_readings(database, "PUMP-1", healthy(20), until=NOW)

    result = discover(platform)

    record = only_record(platform)
    assert (result.counts["trained"], result.counts["collecting"]) == (0, 1)
    assert record.state_reason == "20 of 200 readings"
    assert record.trainable_at == NOW + 180 * TEN_MINUTES


def test_metric_of_few_values_is_unmodellable_until_it_changes(platform: Platform, database: Database) -> None:
    """A state is no measurement: given up with a reason, and looked at again a week later if readings came."""
    write_readings(database, "PUMP-1", np.tile([0.0, 1.0], 200), until=NOW)

    discover(platform)
    given_up = only_record(platform)
    next_day = discover(platform, NOW + timedelta(days=1))
    week_without_readings = discover(platform, NOW + timedelta(days=8))
    write_readings(database, "PUMP-1", healthy(1200), until=NOW + timedelta(days=9))
    later = discover(platform, NOW + timedelta(days=9))

    assert given_up.state is SeriesState.UNMODELLABLE
    assert "distinct values" in str(given_up.state_reason)
    assert (next_day.counts["resting"], week_without_readings.counts["resting"]) == (1, 1)
    assert later.counts["trained"] == 1
    assert only_record(platform).state is SeriesState.MODELLED


def test_failing_trainings_open_the_circuit(platform: Platform, database: Database, settings: Settings) -> None:
    """Three failures in a row rest a series for a day; each is told, and a success closes the matter."""
    write_readings(database, "PUMP-1", healthy(500), until=NOW)
    wrong = replace(settings, training=TrainingPolicy(kind="crystal_ball"))

    with closing(Platform(wrong)) as failing:
        results = [discover(failing, NOW + timedelta(hours=hour)) for hour in range(3)]
    record = only_record(platform)
    (finding,) = platform.findings.list_open(now=NOW)
    resting = discover(platform, NOW + timedelta(hours=3))
    mended = discover(platform, NOW + timedelta(hours=27))

    assert {result.outcome for result in results} == {Outcome.PARTIAL}
    assert (record.state, record.training_failures) == (SeriesState.CIRCUIT_OPEN, 3)
    assert (finding.check, finding.severity, finding.occurrences) == ("training_failures", "critical", 3)
    assert "unknown detector kind 'crystal_ball'" in finding.message
    assert (resting.outcome, resting.counts["resting"]) == (Outcome.SUCCEEDED, 1)
    assert mended.counts["trained"] == 1
    assert platform.findings.list_open(now=NOW) == []
    assert [event for event, _, _ in events_of(database)] == ["failed"] * 3 + ["trained", "promoted"]


def test_unwritable_store_fails_the_run_and_no_series(platform: Platform, database: Database, tmp_path: Path) -> None:
    """One reason for all, before any training; no circuit opens, and the next run goes on as if nothing was."""
    for device in ("A", "B"):
        write_readings(database, device, healthy(500), until=NOW)
    (tmp_path / "artifacts").write_text("in the way of the store")

    results = [discover(platform, NOW + timedelta(hours=hour)) for hour in range(4)]
    records = platform.series.list_series()
    findings = platform.findings.list_open(now=NOW)
    (tmp_path / "artifacts").unlink()
    mended = discover(platform, NOW + timedelta(hours=4))

    assert {result.outcome for result in results} == {Outcome.FAILED}
    assert "no model can be stored" in str(results[0].reason)
    assert "writable and not full" in str(results[0].reason)
    assert {(record.state, record.training_failures) for record in records} == {(SeriesState.COLLECTING, 0)}
    assert findings == []
    assert mended.counts["trained"] == 2


def test_store_is_left_alone_where_nothing_is_due(platform: Platform, database: Database, tmp_path: Path) -> None:
    """A site of young series needs no store yet, and gets none."""
    write_readings(database, "PUMP-1", healthy(50), until=NOW)

    result = discover(platform)

    assert result.outcome is Outcome.SUCCEEDED
    assert not (tmp_path / "artifacts").exists()


def test_one_artifact_that_cannot_be_stored_fails_its_series_alone(
    platform: Platform, database: Database, settings: Settings, tmp_path: Path
) -> None:
    """Where the store works for all others, it is a failed training of the one series."""
    for device in ("A", "B"):
        write_readings(database, device, healthy(500, seed=ord(device)), until=NOW)
    discover(platform)
    blocked = str(platform.models.list_versions()[0].artifact_sha256)
    with database.transaction() as cur:
        cur.execute("TRUNCATE ml_models, ml_health.series RESTART IDENTITY CASCADE")
    elsewhere = replace(settings, artifacts=ArtifactSettings(url=str(tmp_path / "elsewhere")))
    (tmp_path / "elsewhere" / blocked[:2] / blocked).mkdir(parents=True)

    with closing(Platform(elsewhere)) as other:
        result = discover(other, NOW + timedelta(hours=1))

    assert result.outcome is Outcome.PARTIAL
    assert (result.counts["trained"], result.counts["failed"]) == (1, 1)
    assert only_record(platform, "A").training_failures == 1


def test_one_bad_series_does_not_stop_the_others(platform: Platform, database: Database) -> None:
    """Of several series each gets its own outcome."""
    write_readings(database, "A", np.full(500, 7.0), until=NOW)
    write_readings(database, "B", healthy(500), until=NOW)
    write_readings(database, "C", healthy(10), until=NOW)

    result = discover(platform)

    counts = {name: result.counts[name] for name in ("found", "trained", "unmodellable", "collecting")}
    assert counts == {"found": 3, "trained": 1, "unmodellable": 1, "collecting": 1}


def test_named_series_alone_is_trained(platform: Platform, database: Database) -> None:
    """With a name only that series is trained; an unknown name is refused."""
    write_readings(database, "A", healthy(500), until=NOW)
    write_readings(database, "B", healthy(500), until=NOW)

    result = discover(platform, params={"series": "B:flow"})
    unknown = discover(platform, NOW + timedelta(hours=1), params={"series": "C:flow"})

    assert result.counts["trained"] == 1
    assert only_record(platform, "A").state is SeriesState.COLLECTING
    assert (unknown.outcome, "no series 'C:flow'" in str(unknown.reason)) == (Outcome.FAILED, True)


def test_dry_run_only_counts(platform: Platform, database: Database) -> None:
    """A dry run says how many would be trained, of the series known, and writes nothing."""
    write_readings(database, "PUMP-1", healthy(500), until=NOW)
    platform.series.register(platform.telemetry.list_extents(until=NOW), at=NOW)

    result = discover(platform, dry_run=True)

    assert (result.counts["trainable"], result.counts["trained"]) == (1, 0)
    assert platform.models.list_versions() == []
    assert only_record(platform).state is SeriesState.COLLECTING


def test_readings_since_a_sensor_finding_are_not_learned(platform: Platform, database: Database) -> None:
    """What came after the sensor was found stuck stays out of the first model."""
    values = np.concatenate([healthy(800), np.full(200, 90.0)])
    write_readings(database, "PUMP-1", values, until=NOW)
    platform.series.register(platform.telemetry.list_extents(until=NOW), at=NOW)
    stuck_since = NOW - 200 * TEN_MINUTES
    open_finding(database, platform, "flatline", at=NOW, since=stuck_since)

    discover(platform)

    (version,) = platform.models.list_versions()
    assert version.training_to == stuck_since
    assert version.metadata["value_max"] < 90


@pytest.mark.parametrize("table", ["gold_window", "detector_state"])
def test_first_promotion_that_is_killed_midway_leaves_no_half(
    platform: Platform, database: Database, table: str
) -> None:
    """No version serves a series that still says it is collecting; the next attempt trains it."""
    write_readings(database, "PUMP-1", healthy(500), until=NOW)

    with killed_at(database, table), pytest.raises(DatabaseUnavailableError):
        discover(platform)
    left = [version.status for version in platform.models.list_versions()]
    discover(platform)

    assert ModelStatus.ACTIVE not in left
    assert only_record(platform).state is SeriesState.MODELLED
    assert [version.status for version in platform.models.list_versions()][-1] is ModelStatus.ACTIVE


def test_rubble_of_a_killed_run_is_cleared(platform: Platform, database: Database) -> None:
    """A candidate without a gate is given up, and a champion its series does not know is taken as it is."""
    write_readings(database, "A", healthy(500), until=NOW)
    write_readings(database, "B", healthy(500), until=NOW)
    discover(platform)
    first, second = platform.models.list_versions()
    # As a run leaves it that was killed after the promotion of A, and before the gate of B.
    with database.transaction() as cur:
        cur.execute("DELETE FROM ml_health.detector_state")
        cur.execute("DELETE FROM ml_health.gold_window")
        cur.execute("UPDATE ml_health.series SET state = 'collecting'")
        cur.execute("UPDATE ml_models SET status = 'candidate' WHERE id = %s", (second.model_id,))

    result = discover(platform, NOW + timedelta(hours=1))

    versions = platform.models.list_versions()
    assert [(v.series_id, v.version, v.status) for v in versions] == [
        (first.series_id, 1, ModelStatus.ACTIVE),
        (second.series_id, 1, ModelStatus.REJECTED),
        (second.series_id, 2, ModelStatus.ACTIVE),
    ]
    assert result.counts["trained"] == 1
    assert {record.state for record in platform.series.list_series()} == {SeriesState.MODELLED}
    assert len(platform.scoring.load([first.series_id, second.series_id])) == 2


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_result_does_not_depend_on_the_backend(
    platform: Platform, database: Database, settings: Settings, tmp_path: Path, backend: str
) -> None:
    """The same readings give the same artifacts bit for bit, wherever they were learned."""
    for device in ("A", "B", "C"):
        write_readings(database, device, healthy(400, seed=ord(device)), until=NOW)
    discover(platform)
    expected = [version.artifact_sha256 for version in platform.models.list_versions()]
    with database.transaction() as cur:
        cur.execute("TRUNCATE ml_models, ml_health.series RESTART IDENTITY CASCADE")
    elsewhere = replace(
        settings,
        artifacts=ArtifactSettings(url="memory://elsewhere"),
        execution=ExecutionSettings(backend=backend, jobs=2),  # type: ignore[arg-type]
    )

    with closing(Platform(elsewhere)) as other:
        discover(other, NOW + timedelta(hours=1))
        found = [version.artifact_sha256 for version in other.models.list_versions()]

    assert found == expected


def test_adopted_series_is_named_as_the_cause(platform: Platform, database: Database) -> None:
    """A series that the platform had a model of before gets a new one of ours for that reason."""
    write_readings(database, "PUMP-1", healthy(500), until=NOW)
    platform.series.register(platform.telemetry.list_extents(until=NOW), at=NOW)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_models (device_id, metric_name, series_id, version, status, adopted) "
            "VALUES ('PUMP-1', 'flow', %s, 1, 'retired', true)",
            (only_record(platform).series_id,),
        )

    discover(platform)

    adopted, own = platform.models.list_versions()
    assert (adopted.status, own.status) == (ModelStatus.RETIRED, ModelStatus.ACTIVE)
    assert (own.version, own.cause) == (2, "adopted")
