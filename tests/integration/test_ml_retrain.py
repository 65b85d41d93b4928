"""Retraining on real PostgreSQL: who is due, who passes the gate, and what is told of those who do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.reviews.operator_verdict import NewVerdict, OperatorVerdict
from ml_core.domain.series import Readings
from ml_core.domain.task import Outcome
from ml_core.errors import ConflictError, DatabaseUnavailableError
from ml_core.services.training.roll_back import roll_back_by_hand
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import (
    NOW,
    TEN_MINUTES,
    discover,
    events_of,
    healthy,
    killed_at,
    only_record,
    open_finding,
    retrain,
    write_readings,
)

WEEK = timedelta(days=7)
PER_WEEK = 1008
READINGS = healthy(6000)
LEARNED = 4000


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A site with a fresh database and an artifact folder of its own."""
    return Settings(home=tmp_path, database=DatabaseSettings(url=database_url))


@pytest.fixture
def platform(settings: Settings, database: Database) -> Iterator[Platform]:
    """The site a moment after the first model of its one healthy series."""
    with closing(Platform(settings)) as opened:
        write_readings(database, "PUMP-1", READINGS[:LEARNED], until=NOW)
        discover(opened)
        yield opened


def go_on(database: Database, values: NDArray[np.float64]) -> None:
    """Readings that follow on those of the first training."""
    write_readings(database, "PUMP-1", values, until=NOW + len(values) * TEN_MINUTES)


def next_week() -> NDArray[np.float64]:
    """A healthy week, to be spoilt by a test."""
    return READINGS[LEARNED : LEARNED + PER_WEEK].copy()


def statuses(platform: Platform) -> list[ModelStatus]:
    """Where each version stands, by number."""
    return [version.status for version in platform.models.list_versions()]


def active(platform: Platform) -> ModelVersion:
    """The champion."""
    (version,) = platform.models.list_versions(statuses=[ModelStatus.ACTIVE])
    return version


def gold_of(platform: Platform) -> Readings:
    """The gold window of the one series."""
    series_id = only_record(platform).series_id
    return platform.gold.load([series_id])[series_id]


def open_checks(platform: Platform) -> list[str]:
    """What is wrong, by check."""
    return [finding.check for finding in platform.findings.list_open(now=NOW)]


def evidence_of(database: Database, event: str) -> dict[str, Any]:
    """The evidence of the newest event of that name."""
    with database.transaction() as cur:
        cur.execute("SELECT evidence FROM ml_health.model_event WHERE event = %s ORDER BY id DESC LIMIT 1", (event,))
        row = cur.fetchone()
    assert row is not None
    evidence: dict[str, Any] = row[0]
    return evidence


def test_model_of_a_week_is_replaced(platform: Platform, database: Database) -> None:
    """A healthy week: the challenger passes the gate and serves; gold and watermark stay as they were."""
    go_on(database, next_week())
    gold = gold_of(platform)

    result = retrain(platform, NOW + WEEK)

    record = only_record(platform)
    state = platform.scoring.load([record.series_id])[record.series_id]
    assert (result.outcome, result.counts["promoted"]) == (Outcome.SUCCEEDED, 1)
    assert statuses(platform) == [ModelStatus.RETIRED, ModelStatus.ACTIVE]
    assert (state.model_id, state.watermark) == (active(platform).model_id, NOW)
    np.testing.assert_array_equal(gold.values, gold_of(platform).values)
    assert [row["passed"] for row in evidence_of(database, "promoted")["gate"]] == [True] * 9
    assert open_checks(platform) == []


def test_young_model_is_left_alone(platform: Platform, database: Database) -> None:
    """Before its time nothing is trained."""
    go_on(database, next_week()[:700])

    result = retrain(platform, NOW + timedelta(days=4))

    assert result.counts["due"] == 0
    assert statuses(platform) == [ModelStatus.ACTIVE]


def test_named_series_that_is_not_due_says_why(platform: Platform, database: Database) -> None:
    """Who asks for one series learns its age and due age, and how to have it trained all the same."""
    go_on(database, next_week()[:700])

    asked = retrain(platform, NOW + timedelta(days=4), params={"series": "PUMP-1:flow"})
    forced = retrain(platform, NOW + timedelta(days=4, minutes=1), params={"series": "PUMP-1:flow", "force": True})

    assert asked.outcome is Outcome.SKIPPED
    assert "4.0 days old and due at" in str(asked.reason)
    assert "force=true" in str(asked.reason)
    assert (forced.counts["promoted"], active(platform).cause) == (1, "person")


def test_force_is_for_one_series(platform: Platform) -> None:
    """Nobody retrains a whole fleet by a slip."""
    result = retrain(platform, NOW + timedelta(days=4), params={"force": True})

    assert result.outcome is Outcome.FAILED
    assert "for one series" in str(result.reason)


def test_dry_run_only_counts(platform: Platform, database: Database) -> None:
    """A dry run says how many are due and changes nothing."""
    go_on(database, next_week())

    result = retrain(platform, NOW + WEEK, dry_run=True)

    assert (result.counts["due"], result.counts["promoted"]) == (1, 0)
    assert statuses(platform) == [ModelStatus.ACTIVE]


def spoil(kind: str) -> NDArray[np.float64]:
    """The week with a fault in it that no check has found yet."""
    week = next_week()
    if kind == "stuck":
        week[600:] = week[600]
    elif kind == "unit change":
        week[600:] = week[600:] * 1.8 + 32
    elif kind == "shift":
        week[500:] += 3.0
    return week


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("stuck", "equal readings in a row"),
        ("unit change", "no drift from gold"),
        ("shift", "no drift from gold"),
    ],
)
def test_faulty_week_is_refused(platform: Platform, database: Database, kind: str, words: str) -> None:
    """What a fault has spoilt is not learned: the old model stays, and the reason is told in words."""
    go_on(database, spoil(kind))

    result = retrain(platform, NOW + WEEK)

    (finding,) = platform.findings.list_open(now=NOW)
    event, cause, reason = events_of(database)[-1]
    assert (result.outcome, result.counts["rejected"]) == (Outcome.SUCCEEDED, 1)
    assert statuses(platform) == [ModelStatus.ACTIVE, ModelStatus.REJECTED]
    assert (event, cause) == ("not_promoted", "age")
    assert words in str(reason)
    assert (finding.check, finding.severity) == ("retrain_rejected", "warning")
    assert words in finding.message
    assert any(not row["passed"] for row in finding.evidence["gate"])


def test_promotion_resolves_an_earlier_refusal(platform: Platform, database: Database) -> None:
    """The warning stands while the newest attempt was refused, and no longer."""
    open_finding(database, platform, "retrain_rejected", at=NOW)
    go_on(database, next_week())

    retrain(platform, NOW + WEEK)

    assert open_checks(platform) == []


@pytest.mark.parametrize("length", [5, 40])
def test_anomaly_burst_is_not_learned(platform: Platform, database: Database, length: int) -> None:
    """A burst in the window does not block retraining, nor does it make the next model deaf to its like."""
    week = next_week()
    week[400 : 400 + length] += 12.0
    go_on(database, week)
    before = active(platform)

    result = retrain(platform, NOW + WEEK)

    after = active(platform)
    assert result.counts["promoted"] == 1
    assert after.metadata["value_max"] < 60
    assert after.metadata["threshold"] == pytest.approx(before.metadata["threshold"], rel=0.15)


def test_what_people_called_an_anomaly_is_not_learned(platform: Platform, database: Database) -> None:
    """A confirmed alarm stays out of training, and the challenger must still find it."""
    week = next_week()
    week[300] += 4.5
    go_on(database, week)
    detection_id, at = uuid4(), NOW + 301 * TEN_MINUTES
    with database.transaction() as cur:
        cur.execute("SELECT ml_health.ensure_detection_partitions(%s, %s)", (at, at))
        cur.execute(
            'INSERT INTO anomaly_detections (id, series_id, model_id, device_id, metric_name, value, "timestamp")'
            " VALUES (%s, %s, %s, 'PUMP-1', 'flow', %s, %s)",
            (detection_id, only_record(platform).series_id, active(platform).model_id, 70.0, at),
        )
    verdict = NewVerdict(
        detection_id=detection_id,
        detection_timestamp=at,
        series_id=only_record(platform).series_id,
        verdict=OperatorVerdict.CONFIRMED,
        given_by="operator",
        given_at=NOW + WEEK,
    )
    platform.verdicts.add(verdict)

    retrain(platform, NOW + WEEK)

    rows = {row["check"][:2]: row for row in evidence_of(database, "promoted")["gate"]}
    assert rows["G4"]["reason"].startswith("0 confirmed anomalies lost")
    assert active(platform).metadata["n_readings"] == 4032 - 1


def test_without_new_readings_the_old_model_stays(platform: Platform, database: Database) -> None:
    """No data is no reason to train on the same again."""
    result = retrain(platform, NOW + WEEK)

    assert result.counts["rejected"] == 1
    assert statuses(platform) == [ModelStatus.ACTIVE]
    assert "has not learned from" in str(events_of(database)[-1][2])


def test_too_few_rows_keep_the_old_model(platform: Platform, database: Database) -> None:
    """After a long gap the window holds little: the old model stays."""
    write_readings(database, "PUMP-1", next_week()[:50], until=NOW + timedelta(days=40))

    result = retrain(platform, NOW + timedelta(days=40))

    assert result.counts["rejected"] == 1
    assert statuses(platform) == [ModelStatus.ACTIVE]
    assert "50 usable readings are too few" in str(events_of(database)[-1][2])


def test_readings_since_a_sensor_finding_are_cut(platform: Platform, database: Database) -> None:
    """With a stuck sensor found, the sound days before it are learned, and nothing after."""
    stuck_since = NOW + 600 * TEN_MINUTES
    go_on(database, spoil("stuck"))
    open_finding(database, platform, "flatline", at=NOW + timedelta(days=5), since=stuck_since)

    result = retrain(platform, NOW + WEEK)

    assert result.counts["promoted"] == 1
    assert active(platform).training_to == stuck_since


def test_sensor_finding_from_the_start_keeps_the_model(platform: Platform, database: Database) -> None:
    """Where nothing sound has come since the last training, the reason names the finding."""
    go_on(database, next_week())
    open_finding(database, platform, "unit_change", at=NOW)

    retrain(platform, NOW + WEEK)

    assert statuses(platform) == [ModelStatus.ACTIVE]
    assert "before the open finding unit_change" in str(events_of(database)[-1][2])


def test_pinned_model_is_never_replaced(platform: Platform, database: Database) -> None:
    """A person's pin stands above age and damage."""
    go_on(database, next_week())
    platform.models.pin(active(platform).model_id, pinned=True, at=NOW)
    open_finding(database, platform, "artifact", at=NOW + WEEK)

    result = retrain(platform, NOW + WEEK)

    assert (result.counts["due"], result.counts["pinned"]) == (0, 1)


def _artifact_file(platform: Platform) -> Path:
    sha256 = active(platform).artifact_sha256 or ""
    return platform.settings.home / "artifacts" / sha256[:2] / sha256


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_lost_artifact_is_replaced_at_once(platform: Platform, database: Database, damage: str) -> None:
    """A young model whose artifact cannot be read is trained anew, and is no version to roll back to."""
    go_on(database, next_week()[:144])
    path = _artifact_file(platform)
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:-7])
    open_finding(database, platform, "artifact", at=NOW + timedelta(days=1))

    result = retrain(platform, NOW + timedelta(days=1))
    again = retrain(platform, NOW + timedelta(days=2))

    assert result.counts["promoted"] == 1
    assert statuses(platform) == [ModelStatus.QUARANTINED, ModelStatus.ACTIVE]
    assert active(platform).cause == "artifact"
    assert again.counts["due"] == 0


def test_unreadable_champion_fails_its_series_alone(
    platform: Platform, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is known of the champion's file, so it is not replaced; the other series is retrained."""
    path = _artifact_file(platform)
    write_readings(database, "PUMP-2", READINGS[:LEARNED], until=NOW)
    discover(platform, NOW + timedelta(hours=1))
    go_on(database, next_week())
    write_readings(database, "PUMP-2", next_week(), until=NOW + WEEK)
    path.unlink()
    path.mkdir()  # a name that answers neither with bytes nor with their absence

    result = retrain(platform, NOW + WEEK + timedelta(hours=1))

    versions = platform.models.list_versions()
    assert (result.outcome, result.counts["promoted"], result.counts["failed"]) == (Outcome.PARTIAL, 1, 1)
    assert "PUMP-1:flow cannot be retrained" in caplog.text
    assert [version.status for version in versions] == [ModelStatus.ACTIVE, ModelStatus.RETIRED, ModelStatus.ACTIVE]


def test_series_without_a_serving_model_gets_one(platform: Platform, database: Database) -> None:
    """Where the only version was put aside, a new one is trained at once."""
    go_on(database, next_week()[:144])
    platform.models.set_status(
        active(platform).model_id, ModelStatus.QUARANTINED, at=NOW, reason="damaged", event="quarantined"
    )

    result = retrain(platform, NOW + timedelta(days=1))

    assert result.counts["promoted"] == 1
    assert statuses(platform) == [ModelStatus.QUARANTINED, ModelStatus.ACTIVE]


def drifted(days: float) -> NDArray[np.float64]:
    """Readings that moved for good, some days of them."""
    return READINGS[LEARNED : LEARNED + int(days * 144)] + 4.0


def test_degraded_model_goes_through_a_trial(platform: Platform, database: Database) -> None:
    """After confirmed drift a challenger of the new days is tried for a day, then serves with new gold."""
    go_on(database, drifted(6))
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))

    early = retrain(platform, NOW + timedelta(days=2, hours=1))
    trained = retrain(platform, NOW + timedelta(days=4))
    standing = statuses(platform)
    waiting = retrain(platform, NOW + timedelta(days=4, hours=15))
    judged = retrain(platform, NOW + timedelta(days=5, hours=15))

    champion = active(platform)
    assert early.counts["waiting"] == 1
    assert trained.counts["shadowed"] == 1
    assert standing == [ModelStatus.ACTIVE, ModelStatus.SHADOW]
    assert (waiting.counts["waiting"], judged.counts["promoted"]) == (1, 1)
    assert open_checks(platform) == []
    assert (champion.version, champion.cause) == (2, "degraded")
    assert champion.training_from is not None
    assert champion.training_from > NOW
    assert gold_of(platform).values.mean() > 52


@pytest.mark.parametrize("table", ["gold_window", "detector_state", "series"])
def test_promotion_that_is_killed_midway_is_made_by_the_next_attempt(
    platform: Platform, database: Database, table: str
) -> None:
    """Champion, gold window, scoring and findings change together: a kill leaves all of them as they were."""
    go_on(database, drifted(6))
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))
    retrain(platform, NOW + timedelta(days=4))
    gold = gold_of(platform).values.mean()

    with killed_at(database, table), pytest.raises(DatabaseUnavailableError):
        retrain(platform, NOW + timedelta(days=5, hours=5))
    killed = statuses(platform), gold_of(platform).values.mean(), open_checks(platform)
    result = retrain(platform, NOW + timedelta(days=5, hours=5))

    assert killed == ([ModelStatus.ACTIVE, ModelStatus.SHADOW], gold, ["drift"])
    assert (result.attempt, result.counts["promoted"]) == (2, 1)
    assert statuses(platform) == [ModelStatus.RETIRED, ModelStatus.ACTIVE]
    assert gold_of(platform).values.mean() > gold + 2
    assert open_checks(platform) == []


@pytest.mark.parametrize(
    ("damage", "days", "status", "word"),
    [
        (Path.unlink, 5.3, ModelStatus.QUARANTINED, "its artifact is lost"),
        (lambda path: path.write_bytes(b"damaged"), 5.3, ModelStatus.QUARANTINED, "its artifact is lost"),
        (lambda path: (path.unlink(), path.mkdir()), 12, ModelStatus.REJECTED, "no verdict within its trial"),
    ],
)
def test_challenger_that_cannot_be_read_gives_way(
    platform: Platform,
    database: Database,
    damage: Callable[[Path], object],
    days: float,
    status: ModelStatus,
    word: str,
) -> None:
    """A lost one is put aside at once, one that does not answer when its trial is over; then another is trained."""
    go_on(database, drifted(12))
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))
    retrain(platform, NOW + timedelta(days=4))
    (shadow,) = platform.models.list_versions(statuses=[ModelStatus.SHADOW])
    sha256 = shadow.artifact_sha256 or ""
    damage(platform.settings.home / "artifacts" / sha256[:2] / sha256)

    result = retrain(platform, NOW + timedelta(days=days))
    retrain(platform, NOW + timedelta(days=days + 1))

    assert result.counts["failed"] == 0
    assert statuses(platform)[:3] == [ModelStatus.ACTIVE, status, ModelStatus.SHADOW]
    assert word in str(platform.models.list_versions()[1].outcome_reason)


def test_challenger_is_overtaken_by_what_came_to_serve_meanwhile(platform: Platform, database: Database) -> None:
    """It was made to replace another champion: a person's later choice is not undone by an old trial."""
    go_on(database, drifted(12))
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))
    retrain(platform, NOW + timedelta(days=4))
    with database.transaction() as cur:
        cur.execute("UPDATE ml_models SET promoted_at = %s WHERE status = 'active'", (NOW + timedelta(days=4.5),))

    retrain(platform, NOW + timedelta(days=5, hours=15))

    assert statuses(platform)[:2] == [ModelStatus.ACTIVE, ModelStatus.REJECTED]
    assert "overtaken by version 1" in str(platform.models.list_versions()[1].outcome_reason)
    assert "retrain_rejected" not in {finding.check for finding in platform.findings.list_open(now=NOW)}


def test_challenger_that_is_loud_on_trial_is_rejected(platform: Platform, database: Database) -> None:
    """Where the series moves on during the trial, the challenger loses and the champion stays."""
    values = drifted(6)
    values[4 * 144 :] += 15.0
    go_on(database, values)
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))
    retrain(platform, NOW + timedelta(days=4))

    result = retrain(platform, NOW + timedelta(days=5, hours=15))

    assert result.counts["rejected"] == 1
    assert ModelStatus.ACTIVE in statuses(platform)[:1]
    assert statuses(platform)[1] is ModelStatus.REJECTED
    assert "retrain_rejected" in open_checks(platform)


def test_series_that_still_moves_is_not_learned(platform: Platform, database: Database) -> None:
    """A challenger is trained only on days that are alike among themselves."""
    values = drifted(4)
    values[3 * 144 :] += 15.0
    go_on(database, values)
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))

    result = retrain(platform, NOW + timedelta(days=4))

    assert result.counts["rejected"] == 1
    assert statuses(platform) == [ModelStatus.ACTIVE]
    assert "stable among themselves" in str(events_of(database)[-1][2])


@pytest.mark.parametrize(("answer", "due"), [("off", 0), ("on", 1)])
def test_site_chooses_what_degradation_leads_to(
    platform: Platform, database: Database, settings: Settings, answer: Any, due: int
) -> None:
    """Off: a drifted model is not even retrained for its age. On: it is, and the gate decides."""
    go_on(database, drifted(7))
    open_finding(database, platform, "drift", at=NOW + timedelta(days=2))
    changed = replace(settings, retrain=RetrainPolicy(after_degradation=answer))

    with closing(Platform(changed)) as site:
        result = retrain(site, NOW + WEEK)

    assert result.counts["due"] == due
    assert active(platform).version == 1


def test_loud_first_day_brings_the_former_model_back(platform: Platform, database: Database) -> None:
    """A model that passed the gate and then cries all day steps back by itself."""
    go_on(database, READINGS[LEARNED : LEARNED + PER_WEEK + 144])
    retrain(platform, NOW + WEEK)
    loud, former = active(platform), platform.models.list_versions()[0]
    _make_loud(platform, database, loud, former)

    result = retrain(platform, NOW + WEEK + timedelta(days=1))

    assert result.counts["rolled_back"] == 1
    assert active(platform).version == 1
    assert [event for event, _, _ in events_of(database)][-1] == "rolled_back"
    assert "retrain_rejected" in open_checks(platform)


def test_a_roll_back_has_no_first_day(platform: Platform, database: Database) -> None:
    """A person who goes back to a louder model means it: the next night does not undo that."""
    go_on(database, READINGS[LEARNED : LEARNED + PER_WEEK + 144])
    retrain(platform, NOW + WEEK)
    former = platform.models.list_versions()[0]
    _make_loud(platform, database, former, former)
    roll_back_now(platform, NOW + WEEK)

    result = retrain(platform, NOW + WEEK + timedelta(days=1))

    assert result.counts["rolled_back"] == 0
    assert [event for event, _, _ in events_of(database)].count("rolled_back") == 1


def _make_loud(platform: Platform, database: Database, loud: ModelVersion, former: ModelVersion) -> None:
    """Give a version an artifact with a threshold that a third of all readings exceeds."""
    from ml_core.domain.detectors.artifact_format import decode, encode

    artifact = decode(platform.artifacts.read(former.artifact_sha256 or ""))
    threshold = float(artifact.metadata["threshold"]) * 0.6
    stored = platform.artifacts.write(encode(replace(artifact, metadata={**artifact.metadata, "threshold": threshold})))
    with database.transaction() as cur:
        # The database keeps a serving version's artifact, so that only damage like this one changes it.
        cur.execute("SET LOCAL session_replication_role = replica")
        cur.execute("UPDATE ml_models SET artifact_sha256 = %s WHERE id = %s", (stored.sha256, loud.model_id))


def test_unwritable_store_fails_the_run_and_no_series(platform: Platform, database: Database, tmp_path: Path) -> None:
    """One reason before any training: the old model serves on, and nothing is held against its series."""
    go_on(database, next_week())
    (tmp_path / "artifacts").rename(tmp_path / "unmounted")
    (tmp_path / "artifacts").write_text("in the way of the store")

    result = retrain(platform, NOW + WEEK)
    (tmp_path / "artifacts").unlink()
    (tmp_path / "unmounted").rename(tmp_path / "artifacts")
    mended = retrain(platform, NOW + WEEK + timedelta(days=1))

    assert result.outcome is Outcome.FAILED
    assert "no model can be stored" in str(result.reason)
    assert [event for event, _, _ in events_of(database)] == ["trained", "promoted"] * 2
    assert only_record(platform).training_failures == 0
    assert mended.counts["promoted"] == 1


def roll_back_now(platform: Platform, now: datetime, *, dry_run: bool = False) -> ModelVersion:
    """As a person asks for it."""
    return roll_back_by_hand(
        only_record(platform),
        promotion=platform.promotion(now=now),
        artifacts=platform.artifacts,
        reason="asked for",
        dry_run=dry_run,
    )


def test_a_dry_roll_back_foresees_the_version_and_changes_nothing(platform: Platform, database: Database) -> None:
    """It is refused where the real one would be, and else names what would serve."""
    with pytest.raises(ConflictError, match="no older version"):
        roll_back_now(platform, NOW, dry_run=True)
    go_on(database, next_week())
    retrain(platform, NOW + WEEK)

    version = roll_back_now(platform, NOW + WEEK, dry_run=True)

    assert version.version == 1
    assert statuses(platform) == [ModelStatus.RETIRED, ModelStatus.ACTIVE]


def test_person_rolls_back(platform: Platform, database: Database) -> None:
    """The version before serves again, and is what new readings are scored with."""
    go_on(database, next_week())
    retrain(platform, NOW + WEEK)

    version = roll_back_now(platform, NOW + WEEK)

    record = only_record(platform)
    assert version.version == 1
    assert statuses(platform) == [ModelStatus.ACTIVE, ModelStatus.RETIRED]
    assert platform.scoring.load([record.series_id])[record.series_id].model_id == version.model_id


def test_roll_back_returns_to_what_served_last(platform: Platform, database: Database) -> None:
    """Version 2 was rolled away from, so that from version 3 the way back leads to version 1."""
    go_on(database, next_week())
    retrain(platform, NOW + WEEK)
    roll_back_now(platform, NOW + WEEK + timedelta(hours=1))
    retrain(platform, NOW + WEEK + timedelta(days=1))
    assert active(platform).version == 3

    assert roll_back_now(platform, NOW + WEEK + timedelta(days=2), dry_run=True).version == 1


def test_roll_back_needs_a_whole_version(platform: Platform) -> None:
    """Without an older version there is nothing to go back to, and nothing changes."""
    with pytest.raises(ConflictError, match=r"no older version.*--param series=PUMP-1:flow --param force=true"):
        roll_back_now(platform, NOW)

    assert statuses(platform) == [ModelStatus.ACTIVE]


def test_candidate_of_a_killed_run_is_given_up(platform: Platform, database: Database) -> None:
    """A run that died before its gate leaves a candidate; the next one clears it and trains anew."""
    go_on(database, next_week())
    retrain(platform, NOW + WEEK)
    with database.transaction() as cur:
        cur.execute("UPDATE ml_models SET status = 'candidate', promoted_at = NULL WHERE version = 2")
        cur.execute("UPDATE ml_models SET status = 'active', retired_at = NULL WHERE version = 1")

    retrain(platform, NOW + WEEK + timedelta(days=1))

    assert statuses(platform) == [ModelStatus.RETIRED, ModelStatus.REJECTED, ModelStatus.ACTIVE]


def test_budget_takes_the_oldest_first(platform: Platform, database: Database, settings: Settings) -> None:
    """Within the budget of a run the oldest models come first; the rest wait for the next run."""
    go_on(database, next_week())
    write_readings(database, "PUMP-2", READINGS[: LEARNED + PER_WEEK], until=NOW + WEEK)
    discover(platform, NOW + timedelta(hours=5))
    changed = replace(settings, retrain=RetrainPolicy(max_per_run=1))

    with closing(Platform(changed)) as site:
        result = retrain(site, NOW + timedelta(days=8))

    versions = platform.models.list_versions(series_ids=[only_record(platform).series_id])
    assert result.counts["due"] == 1
    assert [version.version for version in versions] == [1, 2]
