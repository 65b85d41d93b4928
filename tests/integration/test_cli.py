"""The command line on a real store: JSON for machines, exit codes for shells, one line for errors."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_core.entrypoints.cli import COMMANDS, call

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line on a fresh database and answers exit code, stdout and stderr."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = call(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


def test_a_run_prints_one_json_object_with_task_slot_outcome_counts_and_findings(run: Run) -> None:
    """What a machine reads stands alone on stdout."""
    code, out, _ = run("run", "ml_health_check", "--json", "--now", "2026-05-04T06:00:00Z")

    result = json.loads(out)
    assert code == 0
    assert result["task"] == "ml_health_check"
    assert result["slot"] == "2026-05-04T02:00:00+00:00"
    assert result["outcome"] in {"succeeded", "skipped"}
    assert isinstance(result["counts"], dict)
    assert isinstance(result["findings"], list)


def test_a_second_run_of_a_slot_is_skipped_and_well(run: Run) -> None:
    """The slot is closed; calling it again is no error."""
    run("run", "ml_purge", "--now", "2026-05-04T06:00:00Z")

    code, out, _ = run("run", "ml_purge", "--json", "--now", "2026-05-04T07:00:00Z")

    assert code == 0
    assert json.loads(out)["reason"] == "this slot has been run"


def test_a_dry_run_leaves_the_slot_open(run: Run) -> None:
    """After it, the real run still happens."""
    run("run", "ml_purge", "--dry-run", "--now", "2026-05-04T06:00:00Z")

    _, out, _ = run("run", "ml_purge", "--json", "--now", "2026-05-04T06:00:00Z")

    assert json.loads(out)["outcome"] == "succeeded"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "ml_nothing"), "ml_nothing"),
        (("run", "ml_purge", "--param", "colour=red"), "colour"),
        (("run", "ml_purge", "--param", "colour"), "NAME=VALUE"),
        (("run", "ml_purge", "--slot", "2026-05-04T06:00:00"), "time zone"),
        (("run", "ml_purge", "--now", "yesterday"), "yesterday"),
        (("run",), "TASK"),
        (("nothing",), "nothing"),
        (("mute", "nobody:nothing", "--until", "2099-12-31T00:00:00Z"), "nobody:nothing"),
        (("mute", "nobody:nothing"), "--until"),
        (("mute", "nobody:nothing", "--until", "2020-01-01T00:00:00Z"), "has passed"),
    ],
)
def test_wrong_usage_is_named_and_exits_with_64(run: Run, arguments: tuple[str, ...], named: str) -> None:
    """Nothing is done, and the message names what was wrong."""
    code, out, err = run(*arguments)

    assert code == 64
    assert named in err
    assert out == ""


def test_an_unknown_setting_is_refused_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in the environment does not pass unseen."""
    monkeypatch.setenv("ML_HEALTH_SCORING__LATENES_S", "5")

    code, _, err = run("status")

    assert code == 64
    assert "scoring.latenes_s" in err


def test_an_unreachable_database_is_one_line_and_exit_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what to check and never shows the password."""
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", "postgresql://me:s3cr3tpw@127.0.0.1:9/db")

    code, out, err = run("run", "ml_score", "--json")

    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "127.0.0.1:9/db" in err
    assert "s3cr3tpw" not in err


def test_a_new_site_is_told_its_state_in_ten_lines(run: Run) -> None:
    """Where nothing was measured the status says so."""
    code, out, _ = run("status")

    assert code == 0
    assert len(out.strip().splitlines()) == 10
    assert "no data" in out


def test_status_for_machines_is_one_json_object(run: Run) -> None:
    """Nothing measured is null, not a default."""
    _, out, _ = run("status", "--json")

    assert json.loads(out)["latency_buckets"] is None


def test_doctor_says_what_to_do_about_each_finding(run: Run) -> None:
    """A site without telemetry, token and scheduler is warned, with exit code 1."""
    code, out, _ = run("doctor", "--json")

    diagnoses = {entry["what"]: entry for entry in json.loads(out)["diagnoses"]}
    assert code == 1
    assert diagnoses["database"]["grade"] == "ok"
    assert "ml-health import" in diagnoses["telemetry"]["advice"]
    assert "ML_HEALTH_GITHUB__TOKEN" in diagnoses["issues"]["advice"]
    assert all(entry["advice"] for entry in diagnoses.values() if entry["grade"] != "ok")


def test_doctor_names_a_store_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    """An artifact store that fails is known before a retrain tries."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "artifacts").write_text("a file where a folder should be")

    code, out, _ = run("doctor", "--json")

    grades = {entry["what"]: entry["grade"] for entry in json.loads(out)["diagnoses"]}
    assert code == 2
    assert grades["artifacts"] == "fail"


def test_the_settings_in_force_hide_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither token nor database address is printed."""
    monkeypatch.setenv("ML_HEALTH_GITHUB__TOKEN", "ghp_abcdefghijklmnop")

    _, out, _ = run("config")

    assert json.loads(out)["github"]["token"] == "***"
    assert "ghp_" not in out


def test_migrate_says_the_version(run: Run) -> None:
    """A migrated database has nothing pending."""
    _, out, _ = run("db", "migrate", "--dry-run", "--json")

    assert json.loads(out)["migrations"] == []


def test_every_command_shows_its_help(run: Run) -> None:
    """Each command can be imported and explains itself."""
    for name in COMMANDS:
        code, out, _ = run(name, "--help")

        assert code == 0, name
        assert "Usage:" in out
