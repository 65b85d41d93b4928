"""Alerts of a scored fleet, by the task and the commands that people use."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ml_core.adapters.alert_file import AlertFile
from ml_core.adapters.ledgers.alert_log import PostgresAlertLog
from ml_core.adapters.postgres.database import Database
from ml_core.domain.policies import AlertPolicy
from ml_core.entrypoints.cli import call
from ml_core.services.scoring.alerting import Alerting
from tests.integration.scored_fleet import Fleet, at

Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Fleet:
    """No series yet."""
    return Fleet(database, tmp_path / "artifacts")


@pytest.fixture
def ml_health(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """The command line on this site: exit code, and the JSON it printed or the words."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)

    def ask(*arguments: str, now: datetime, as_json: bool = True) -> tuple[int, Any]:
        code = call([*arguments, "--now", now.isoformat(), *(["--json"] if as_json else [])])
        out, err = capfd.readouterr()
        return code, json.loads(out) if code == 0 and as_json else out + err

    return ask


def tell(fleet: Fleet, path: Path, now: datetime) -> dict[str, int]:
    """What ml_score does after scoring."""
    alerting = Alerting(
        log=PostgresAlertLog(fleet.database), channels=(AlertFile(path),), policy=AlertPolicy(), now=now
    )
    return dict(alerting.send_waiting())


def told(path: Path) -> list[tuple[str, str, int]]:
    """Event, device and alarms of every line."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(line["event"], line["device"], line["alarms"]) for line in map(json.loads, lines)]


def kept(fleet: Fleet) -> list[tuple[Any, ...]]:
    """Kind and reason of every alert, told or spared."""
    return fleet.rows("SELECT kind, skipped_reason FROM ml_health.alert_event ORDER BY id")


def send(fleet: Fleet, record: Any, first: int, last: int, *alarms: int) -> None:
    """A reading a minute, quiet but for these."""
    fleet.send(record, range(first, last), [50.0 if minute in alarms else 0.0 for minute in range(first, last)])


def test_an_episode_is_told_at_its_opening_and_its_end(fleet: Fleet, tmp_path: Path) -> None:
    """However many batches and alarms it takes, two lines; a run without news writes none."""
    path, pump = tmp_path / "alerts" / "log.jsonl", fleet.add_series("PUMP-1")
    for minute in range(0, 60, 5):
        send(fleet, pump, minute + 1, minute + 6, 8, 12, 14, 21)
        fleet.score(at(minute + 6))
        tell(fleet, path, at(minute + 6))

    assert told(path) == [("opened", "PUMP-1", 1), ("closed", "PUMP-1", 4)]
    assert tell(fleet, path, at(61)) == {}
    first = json.loads(path.read_text().splitlines()[0])
    assert first["at"] == at(8).isoformat()
    assert first["peak"]["value"] == 50.0


def test_what_could_not_be_told_is_told_by_the_next_run(fleet: Fleet, tmp_path: Path) -> None:
    """A folder that cannot be written loses nothing and fails nothing; what is a day old is not told any more."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    pump = fleet.add_series("PUMP-1")
    send(fleet, pump, 1, 30, 5)
    fleet.score(at(30))

    assert tell(fleet, blocked / "log.jsonl", at(30)) == {"alerts_waiting": 2}
    assert tell(fleet, tmp_path / "log.jsonl", at(40)) == {"alerts_told": 2}
    assert [event for event, _, _ in told(tmp_path / "log.jsonl")] == ["opened", "closed"]
    send(fleet, pump, 41, 70, 45)
    fleet.score(at(70))
    assert tell(fleet, tmp_path / "log.jsonl", at(70) + timedelta(hours=25)) == {}


def test_a_snooze_spares_one_series_and_keeps_what_it_spared(fleet: Fleet, tmp_path: Path, ml_health: Command) -> None:
    """For so many hours, or until it is ended."""
    pump, fan = fleet.add_series("PUMP-1"), fleet.add_series("FAN-1")
    code, snoozed = ml_health("snooze", "PUMP-1:flow", "--hours", "2", "--reason", "known", now=at(0))
    assert (code, snoozed["snoozed_until"]) == (0, at(120).isoformat())
    for record in (pump, fan):
        send(fleet, record, 1, 30, 5)
    fleet.score(at(30))
    tell(fleet, tmp_path / "log.jsonl", at(30))

    assert [line[:2] for line in told(tmp_path / "log.jsonl")] == [("opened", "FAN-1"), ("closed", "FAN-1")]
    reason = f"snooze until {at(120):%Y-%m-%d %H:%M}Z: known"
    assert kept(fleet).count(("opened", reason)) == 1
    assert len(fleet.detections()) == 2

    assert ml_health("snooze", "PUMP-1:flow", "--off", now=at(31))[0] == 0
    send(fleet, pump, 31, 60, 35)
    fleet.score(at(60))
    tell(fleet, tmp_path / "log.jsonl", at(60))
    assert [line[1] for line in told(tmp_path / "log.jsonl")][-1] == "PUMP-1"


def test_a_snooze_may_name_the_series_by_its_number(fleet: Fleet, ml_health: Command) -> None:
    """As other commands do: it is entered, and ended, for the series and not for the number."""
    pump = fleet.add_series("PUMP-1")
    assert ml_health("snooze", pump.short_name, "--hours", "2", now=at(0))[0] == 0
    assert fleet.rows("SELECT pattern, removed_at FROM ml_health.quiet_time") == [("PUMP-1:flow", None)]
    assert ml_health("snooze", pump.short_name, "--off", now=at(1))[0] == 0
    assert fleet.rows("SELECT removed_at FROM ml_health.quiet_time") == [(at(1),)]


def test_a_snooze_is_of_one_tenants_series_alone(fleet: Fleet, tmp_path: Path, ml_health: Command) -> None:
    """Where two tenants share the name the number tells which is meant, and the other one's people are told."""
    own, foreign = (fleet.add_series("PUMP-1", tenant=UUID(int=number)) for number in (1, 2))
    code, words = ml_health("snooze", "PUMP-1:flow", "--hours", "2", now=at(0), as_json=False)
    assert (code, f"{foreign.short_name} is metric 'flow'" in words) == (64, True)
    assert ml_health("snooze", own.short_name, "--hours", "2", now=at(0))[0] == 0
    for record in (own, foreign):
        send(fleet, record, 1, 30, 5)
    fleet.score(at(30))

    spared = fleet.rows("SELECT series_id, skipped_reason IS NOT NULL FROM ml_health.alert_event WHERE kind = 'opened'")
    assert sorted(spared) == [(own.series_id, True), (foreign.series_id, False)]

    assert ml_health("snooze", foreign.short_name, "--off", now=at(31))[0] == 0
    _, listed = ml_health("maintenance", "list", now=at(31))
    assert [time["tenant"] for time in listed["times"]] == [str(UUID(int=1))]


def test_a_dry_run_says_what_would_be_quiet_and_enters_nothing(fleet: Fleet, ml_health: Command) -> None:
    """Snooze, maintenance and its removal, and mute."""
    fleet.add_series("PUMP-1")
    span = ("--from", at(0).isoformat(), "--to", at(30).isoformat())
    for arguments in (
        ("snooze", "PUMP-1:flow", "--hours", "2"),
        ("maintenance", "add", "PUMP-*", *span),
        ("mute", "PUMP-1:flow", "--until", at(60).isoformat()),
    ):
        code, said = ml_health(*arguments, "--dry-run", now=at(0))
        assert (code, said["dry_run"]) == (0, True)
        assert "nothing was changed" in ml_health(*arguments, "--dry-run", now=at(0), as_json=False)[1]
    assert fleet.rows("SELECT * FROM ml_health.quiet_time") == []
    assert fleet.rows("SELECT muted_until FROM ml_health.series") == [(None,)]

    _, entered = ml_health("maintenance", "add", "PUMP-*", *span, now=at(0))
    assert ml_health("maintenance", "remove", str(entered["id"]), "--dry-run", now=at(1))[0] == 0
    assert ml_health("maintenance", "remove", str(entered["id"] + 1), "--dry-run", now=at(1))[0] == 64
    assert fleet.rows("SELECT removed_at FROM ml_health.quiet_time") == [(None,)]


def test_maintenance_spares_a_pattern_of_series_for_its_time(fleet: Fleet, tmp_path: Path, ml_health: Command) -> None:
    """By the readings' time; taken out of the calendar it spares nobody any more."""
    pump = fleet.add_series("PUMP-1")
    span = ("--from", at(0).isoformat(), "--to", at(30).isoformat())
    _, entered = ml_health("maintenance", "add", "PUMP-*", *span, "--reason", "oil", now=at(0))
    assert entered["matched"] == 1
    _, listed = ml_health("maintenance", "list", now=at(10))
    assert [(time["id"], time["skip"], time["reason"]) for time in listed["times"]] == [
        (entered["id"], ["alerts", "training"], "oil")
    ]
    assert "PUMP-*" in ml_health("maintenance", "list", now=at(10), as_json=False)[1]

    send(fleet, pump, 1, 60, 10, 40)
    fleet.score(at(60))
    tell(fleet, tmp_path / "log.jsonl", at(60))

    spared = f"maintenance until {at(30):%Y-%m-%d %H:%M}Z: oil"
    assert kept(fleet) == [
        ("opened", spared), ("closed", "nobody was told that it opened"), ("opened", None), ("closed", None),
    ]  # fmt: skip
    assert len(told(tmp_path / "log.jsonl")) == 2
    assert ml_health("maintenance", "remove", str(entered["id"]), now=at(61))[0] == 0
    assert ml_health("maintenance", "remove", str(entered["id"]), now=at(61))[0] == 64
    assert ml_health("maintenance", "list", now=at(61))[1] == {"times": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("snooze", "PUMP-1:flow"),
        ("snooze", "PUMP-1:flow", "--hours", "2", "--off"),
        ("snooze", "NO-1:flow", "--hours", "2"),
        ("snooze", "PUMP-1:flow", "--hours", "nan"),
        ("snooze", "PUMP-1:flow", "--hours", "1e-12"),
        ("maintenance", "add", "*", "--from", at(2).isoformat(), "--to", at(1).isoformat()),
        ("maintenance", "add", "*", "--from", at(1).isoformat(), "--to", at(2).isoformat(), "--skip", "lunch"),
    ],
)
def test_what_makes_no_sense_is_refused(fleet: Fleet, ml_health: Command, arguments: tuple[str, ...]) -> None:
    """With the exit code of wrong usage, and nothing is entered."""
    fleet.add_series("PUMP-1")

    assert ml_health(*arguments, now=at(0), as_json=False)[0] == 64
    assert fleet.rows("SELECT count(*) FROM ml_health.quiet_time") == [(0,)]
