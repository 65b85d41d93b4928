"""Every kind of decision is explained in order, from what is stored alone, on a site that has worked for a week."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip
from ml_core.entrypoints.cli import call
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import NOW, TEN_MINUTES, discover, healthy, only_record, retrain, write_readings

Command = Callable[..., tuple[int, Any]]
WEEK = timedelta(days=7)


@pytest.fixture
def platform(database: Database, database_url: str, tmp_path: Path) -> Iterator[Platform]:
    """A pump that was trained, scored for a week with one spike in it, and retrained."""
    settings = Settings(
        home=tmp_path / "home", database=DatabaseSettings(url=database_url), detector=FitOptions(n_estimators=10)
    )
    with closing(Platform(settings)) as platform:
        write_readings(database, "PUMP-1", healthy(4032), until=NOW)
        discover(platform)
        week = healthy(1008, seed=2)
        week[500] = 90.0
        write_readings(database, "PUMP-1", week, until=NOW + WEEK)
        run_task(platform, "ml_score", now=NOW + WEEK)
        run_task(platform, "ml_health_check", now=NOW + WEEK)
        retrain(platform, NOW + WEEK)
        yield platform


@pytest.fixture
def ml_health(platform: Platform, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command line on this site: exit code, and the JSON it printed or the words."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(platform.settings.home))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", platform.settings.database.url)

    def ask(*arguments: str, as_json: bool = True) -> tuple[int, Any]:
        code = call([*arguments, *(["--json"] if as_json else [])])
        out, err = capfd.readouterr()
        return code, json.loads(out) if code == 0 and as_json else out + err

    return ask


def whats(explanation: dict[str, Any]) -> list[str]:
    """What each step is."""
    return [step["what"] for step in explanation["steps"]]


def test_a_model_is_explained_from_its_training_to_its_checks(ml_health: Command, platform: Platform) -> None:
    """What it learned, its threshold, each question of the gate with its figures, and its promotion."""
    code, told = ml_health("explain", "PUMP-1:flow")

    assert code == 0
    assert told["subject"].startswith("version ")
    assert whats(told)[:3] == ["trained", "threshold", "trained"]
    gate = [step for step in told["steps"] if step["what"].startswith("gate: ")]
    assert gate[0]["what"].startswith("gate: G0")
    assert all(step["outcome"] in ("passed", "refused") and step["why"] for step in gate)
    assert any(step["figures"].get("threshold") is not None for step in gate)
    assert told["steps"][0]["figures"]["readings"] > 1000


def test_the_first_version_shows_its_checks_and_its_end(ml_health: Command) -> None:
    """Named by its number, it tells what the daily check said of it."""
    _, told = ml_health("explain", "PUMP-1:flow@1")

    checks = {step["what"]: step for step in told["steps"] if step["what"].startswith("check: ")}
    assert checks["check: age of PUMP-1:flow"]["outcome"] in ("ok", "warn")
    assert checks["check: age of PUMP-1:flow"]["figures"]["value"] == pytest.approx(7.0, abs=0.1)


def test_what_was_done_after_the_last_check_stands_after_it(ml_health: Command, platform: Platform) -> None:
    """The steps of a model's life are in the order of time, whatever they are."""
    versions = platform.models.list_versions(series_ids=[only_record(platform).series_id])
    ml_health("pin", str(versions[0].model_id), "--reason", "kept for the season")
    _, told = ml_health("explain", "PUMP-1:flow@1")

    moments = [step["at"] for step in told["steps"][2:]]
    assert any(step["what"].startswith("check: ") for step in told["steps"])
    assert moments == sorted(moments)
    assert told["steps"][-1]["what"] == "pinned"


def test_an_anomaly_is_explained_from_its_reading_to_its_verdict(ml_health: Command, platform: Platform) -> None:
    """The reading, the model that was asked, the band, its own words, the episode, what was told and what was said."""
    alarms = platform.anomalies.list_flagged(after=NOW, until=NOW + WEEK, limit=50)
    (spike,) = [alarm for alarm in alarms if alarm.value == 90.0]
    ml_health("verdict", str(spike.detection_id), "confirmed", "--by", "ana", "--note", "it was real")

    code, told = ml_health("explain", str(spike.detection_id))

    assert code == 0
    assert told["answer"] == "an anomaly"
    names = whats(told)
    assert names[:4] == ["reading", "model", "score", "the detector's own reason"]
    assert names[4].startswith("episode ")
    assert "alert: opened" in names
    assert told["steps"][1]["outcome"] == "version 1"
    assert told["steps"][2]["figures"]["score"] < 0
    assert told["steps"][-1] | {"at": None} == {
        "step": len(names), "at": None, "what": "verdict", "outcome": "confirmed",
        "why": "said by ana: it was real", "figures": {},
    }  # fmt: skip


def test_an_incident_is_explained_from_its_cause_to_its_issue(ml_health: Command, platform: Platform) -> None:
    """What was found and since when, what the tracker was told, and where the issue stands."""
    record = only_record(platform)
    seen = Observation(
        check="age", series_id=record.series_id, severity=Severity.WARNING, message="too old", value=9, threshold=7
    )
    platform.findings.observe([seen], at=NOW + WEEK)
    run_task(platform, "ml_escalate", now=NOW + WEEK + TEN_MINUTES)
    (incident,) = [it for it in platform.incidents.list_open() if it.check == "age"]

    code, told = ml_health("explain", str(incident.incident_id))

    assert code == 0
    assert told["answer"] == "open, warning"
    assert whats(told)[:2] == ["grouped", "finding: age of PUMP-1:flow"]
    assert told["steps"][0]["outcome"] == "age of PUMP-1"
    assert "on one device are one cause: 1" in told["steps"][0]["why"]
    assert ("issue: open", "sent") in [(step["what"], step["outcome"]) for step in told["steps"]]
    assert told["steps"][-1]["why"].startswith("it is kept current")


def test_what_happened_since_an_incident_stands_in_the_order_of_time(
    ml_health: Command, platform: Platform, database: Database
) -> None:
    """A check of today comes after what was done yesterday, and each event says whose model it was done to."""
    record = only_record(platform)
    seen = Observation(
        check="age", series_id=record.series_id, severity=Severity.WARNING, message="too old", value=9, threshold=7
    )
    platform.findings.observe([seen], at=NOW + WEEK)
    run_task(platform, "ml_escalate", now=NOW + WEEK + TEN_MINUTES)
    incident = next(it for it in platform.incidents.list_open() if it.check == "age")
    write_readings(database, "PUMP-1", healthy(1008, seed=3), until=NOW + 2 * WEEK)
    retrain(platform, NOW + 2 * WEEK)
    run_task(platform, "ml_health_check", now=NOW + 2 * WEEK + timedelta(hours=2))

    _, told = ml_health("explain", str(incident.incident_id))

    moments = [step["at"] for step in told["steps"][1:-1]]
    assert moments == sorted(moments)
    assert "check: age of PUMP-1:flow" in whats(told)
    assert any(what.startswith("gate: G0") and what.endswith("(PUMP-1:flow)") for what in whats(told))


def test_an_alert_was_told_only_where_a_channel_took_it(ml_health: Command, platform: Platform) -> None:
    """What was written and not sent is called so, with the moment at which what was sent was told."""
    alarms = platform.anomalies.list_flagged(after=NOW, until=NOW + WEEK, limit=50)
    (spike,) = [alarm for alarm in alarms if alarm.value == 90.0]

    def first_alert() -> dict[str, Any]:
        _, told = ml_health("explain", str(spike.detection_id))
        return next(step for step in told["steps"] if step["what"].startswith("alert: "))

    sent = first_alert()
    with platform.database.transaction() as cur:
        cur.execute("DELETE FROM ml_health.alert_delivery")
    unsent = first_alert()

    assert (sent["outcome"], unsent["outcome"]) == ("told", "not told")
    assert sent["why"].startswith(f"at {NOW + WEEK:%Y-%m-%d %H:%M:%S}Z")


def test_people_read_numbered_steps(ml_health: Command) -> None:
    """Without --json the same in lines."""
    code, told = ml_health("explain", "PUMP-1:flow@1", as_json=False)

    assert code == 0
    assert told.startswith("version 1 of PUMP-1:flow: ")
    assert "  1  2025-03-01 12:20:00Z  trained: first" in told


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("PUMP-9:flow", "no series 'PUMP-9:flow' is known"),
        ("PUMP-1:flow@77", "known: 1, 2"),
        ("999", "there is no incident 999"),
        ("5f0e8a54-6f0b-5d0f-9d0d-0a4b9b3f9c52", "no model, anomaly or reading"),
    ],
)
def test_what_is_not_there_is_said(ml_health: Command, subject: str, words: str) -> None:
    """With the exit code of wrong usage."""
    code, told = ml_health("explain", subject, as_json=False)

    assert code == 64
    assert words in " ".join(told.split())


def test_maintenance_is_not_learned(platform: Platform, database: Database) -> None:
    """Readings of a time with --skip training are in no later training window; without it they are."""
    quiet = QuietTime(
        kind=QuietKind.MAINTENANCE,
        pattern="PUMP-1:*",
        begins_at=NOW + WEEK + timedelta(days=1),
        ends_at=NOW + WEEK + timedelta(days=2),
        skips=frozenset({Skip.TRAINING}),
        created_by="ana",
        created_at=NOW,
    )
    platform.calendar.add(quiet)
    write_readings(database, "PUMP-1", healthy(1008, seed=3) + np.zeros(1008), until=NOW + 2 * WEEK)

    retrain(platform, NOW + 2 * WEEK)

    newest = max(platform.models.list_versions(), key=lambda version: version.version)
    assert newest.version == 3
    assert newest.training_samples is not None
    # Four weeks less a day of maintenance, and the few readings far outside of the champion's band.
    assert 4032 - 144 - 40 <= newest.training_samples <= 4032 - 144
