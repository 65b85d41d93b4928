"""People judge anomalies, episodes, hours of the audit and stretches of time, by command, on a scored fleet."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from ml_core.entrypoints.cli import call
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.scored_fleet import Fleet, at

Command = Callable[..., tuple[int, Any]]
TOMORROW = at(24 * 60)


@pytest.fixture
def ml_health(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """The command line on this site: exit code, and the JSON it printed or the words on stderr."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)

    def ask(*arguments: str, as_json: bool = True) -> tuple[int, Any]:
        code = call([*arguments, "--now", TOMORROW.isoformat(), *(["--json"] if as_json else [])])
        out, err = capfd.readouterr()
        return code, json.loads(out) if code == 0 and as_json else out + err

    return ask


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Fleet:
    """A pump with one spike and, later, an episode of three alarms."""
    fleet = Fleet(database, tmp_path / "artifacts")
    values = [0.0] * 180
    values[30] = 50.0
    values[100:103] = [60.0, 70.0, 60.0]
    pump = fleet.add_series("PUMP-1")
    fleet.send(pump, range(1, 181), values)
    fleet.score(at(200))
    return fleet


def test_anomalies_are_listed_newest_first_with_what_was_said(ml_health: Command, fleet: Fleet) -> None:
    """A person finds the id of what they want to judge, and what nobody has judged yet."""
    _, listed = ml_health("anomalies")
    ids = [anomaly["id"] for anomaly in listed["anomalies"]]
    assert [anomaly["value"] for anomaly in listed["anomalies"]] == [60.0, 70.0, 60.0, 50.0]

    code, answer = ml_health("verdict", ids[3], "false-alarm", "--by", "ana", "--note", "cleaning")
    assert (code, answer["readings"]) == (0, 1)

    _, unreviewed = ml_health("anomalies", "--unreviewed", "--series", "PUMP-1:flow")
    _, everything = ml_health("anomalies", "--since", at(0).isoformat())
    assert [anomaly["id"] for anomaly in unreviewed["anomalies"]] == ids[:3]
    assert everything["anomalies"][3]["verdict"] == "false-alarm"
    assert fleet.rows("SELECT given_by, note, given_at FROM ml_health.verdict") == [("ana", "cleaning", TOMORROW)]


def test_an_episode_is_judged_at_once(ml_health: Command, fleet: Fleet) -> None:
    """Every alarm of it gets the verdict; together they are one review."""
    _, listed = ml_health("anomalies")
    episode = str(listed["anomalies"][0]["episode"])

    code, answer = ml_health("verdict", episode, "confirmed")

    _, quality = ml_health("quality")
    assert (code, answer["readings"]) == (0, 3)
    assert quality["counts"]["confirmed"] == 3
    assert quality["counts"]["reviews"] == 1
    assert quality["quality"]["precision"]["value"] is None
    assert "not enough reviews" in quality["quality"]["precision"]["reason"]


def test_a_missed_stretch_is_kept(ml_health: Command, fleet: Fleet) -> None:
    """A time of a series that was not flagged."""
    stretch = ("--from", at(50).isoformat(), "--to", at(70).isoformat())

    code, _ = ml_health("verdict", "PUMP-1:flow", "missed", *stretch)

    assert code == 0
    assert fleet.rows("SELECT verdict, detection_timestamp, window_until FROM ml_health.verdict") == [
        ("missed", at(50), at(70))
    ]


def test_a_stretch_holds_its_begin_and_not_its_end(ml_health: Command, fleet: Fleet) -> None:
    """Minute 31 was flagged: a stretch up to it is quiet, one from it on is not."""
    code, _ = ml_health("verdict", "PUMP-1:flow", "missed", "--from", at(20).isoformat(), "--to", at(31).isoformat())
    assert code == 0

    code, words = ml_health(
        "verdict", "PUMP-1:flow", "missed", "--from", at(31).isoformat(), "--to", at(32).isoformat(), as_json=False
    )
    assert (code, "was flagged in that" in words) == (64, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{alarm}", "normal"), "a flagged reading is confirmed or false-alarm, not normal"),
        (("PUMP-1:flow", "confirmed", "--from", at(50).isoformat(), "--to", at(70).isoformat()), "missed or normal"),
        (("PUMP-1:flow", "missed", "--from", at(90).isoformat(), "--to", at(110).isoformat()), "was flagged in that"),
        (("PUMP-1:flow", "missed", "--from", at(70).isoformat(), "--to", at(50).isoformat()), "begin before it ends"),
        (("PUMP-1:flow", "missed", "--from", at(70).isoformat()), "both --from and --to"),
        (("PUMP-1:flow", "missed"), "give --from and --to"),
        (("NO-1:flow", "missed", "--from", at(50).isoformat(), "--to", at(70).isoformat()), "no series"),
        (("999", "confirmed"), "no episode 999"),
        (("5f0e8a54-6f0b-5d0f-9d0d-0a4b9b3f9c52", "confirmed"), "neither an anomaly nor an hour"),
    ],
)
def test_what_makes_no_sense_is_refused(
    ml_health: Command, fleet: Fleet, arguments: tuple[str, ...], words: str
) -> None:
    """The words say what is wrong, and nothing is kept."""
    _, listed = ml_health("anomalies")
    alarm = listed["anomalies"][0]["id"]

    code, told = ml_health("verdict", *(word.format(alarm=alarm) for word in arguments), as_json=False)

    assert code == 64
    assert words in " ".join(told.split())
    assert fleet.rows("SELECT count(*) FROM ml_health.verdict") == [(0,)]


def test_the_audit_draws_unflagged_hours_once_and_hears_the_answers(
    ml_health: Command, fleet: Fleet, database_url: str, tmp_path: Path
) -> None:
    """Each night some hours of the day before, the same for the same seed; answered ones are told no more."""
    settings = Settings(home=tmp_path / "home", database=DatabaseSettings(url=database_url))
    platform = Platform(settings)
    results = [run_task(platform, "ml_audit", now=TOMORROW + timedelta(minutes=n), slot=TOMORROW) for n in (0, 1)]
    again = run_task(platform, "ml_audit", now=TOMORROW + timedelta(hours=1), slot=TOMORROW + timedelta(hours=1))
    platform.close()

    _, listed = ml_health("audit")
    hours = listed["hours"]
    assert results[0].outcome is Outcome.SUCCEEDED
    assert (results[0].counts["drawn"], again.counts["drawn"]) == (4, 0)
    # From 10:01 to 13:00; in two of these hours something was flagged, and the rest of them was not.
    assert [(hour["hour"][11:13], hour["readings"], hour["probability"]) for hour in hours] == [
        ("10", 58, 1.0), ("11", 57, 1.0), ("12", 60, 1.0), ("13", 1, 1.0),
    ]  # fmt: skip

    code, _ = ml_health("verdict", hours[0]["id"], "missed")
    assert code == 0
    assert ml_health("verdict", hours[1]["id"], "confirmed", as_json=False)[0] == 64
    _, left = ml_health("audit")
    _, everything = ml_health("audit", "--all")
    _, quality = ml_health("quality")
    assert [hour["id"] for hour in left["hours"]] == [hour["id"] for hour in hours[1:]]
    assert everything["hours"][0]["verdict"] == "missed"
    assert quality["counts"]["audit_weight"] == 58


def test_people_read_tables(ml_health: Command, fleet: Fleet) -> None:
    """Without --json the same is told in words."""
    assert "PUMP-1:flow" in ml_health("anomalies", as_json=False)[1]
    assert "no hour waits" in ml_health("audit", as_json=False)[1]
    told = ml_health("quality", as_json=False)[1]
    assert "180 readings in 30 days, 4 of them flagged" in told
    assert "not enough reviews of alarms, 20 are needed (n = 0)" in told


def test_a_draw_is_even_and_follows_its_seed(database: Database, fleet: Fleet) -> None:
    """Of a thousand hours each seed takes others, none is favoured, and a seed always takes the same."""
    from ml_core.adapters.ledgers.audit_log import PostgresAuditLog

    log, begin, end = PostgresAuditLog(database), at(60 * 24 * 10), at(60 * 24 * 60)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.activity_hourly SELECT 1, %s::timestamptz + hour * interval '1 hour',"
            " 10, 0, 0, 0, 0, 0, 1, 1, '{}' FROM generate_series(0, 999) AS hour",
            (begin,),
        )

    def take(seed: str) -> list[int]:
        with database.transaction() as cur:
            cur.execute("DELETE FROM ml_health.audit_sample")
        assert log.draw(begin=begin, end=end, size=50, seed=seed, at=end) == 50
        hours = log.list_hours(after=begin - timedelta(hours=1), until=end, unanswered=True)
        assert {hour.probability for hour in hours} == {0.05}
        return [int((hour.hour - begin).total_seconds() // 3600) for hour in hours]

    drawn = [take(f"seed {number}") for number in range(20)]
    mean = sum(map(sum, drawn)) / 1000
    assert drawn[0] == take("seed 0")
    assert drawn[0] != drawn[1]
    assert 499.5 - 40 < mean < 499.5 + 40
