"""The command line on a real store: JSON for machines, exit codes for shells, one line for errors."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
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
        (("run", "ml_purge", "--slot", "2099-05-04T04:30:00Z"), "yet to come"),
        (("roll-back", "nobody:nothing", "--reason", "worse"), "nobody:nothing"),
        (("nothing",), "nothing"),
        (("mute", "nobody:nothing", "--until", "2099-12-31T00:00:00Z"), "nobody:nothing"),
        (("mute", "nobody:nothing"), "--until"),
        (("mute", "nobody:nothing", "--until", "2020-01-01T00:00:00Z"), "has passed"),
        (("mute", "nobody:nothing", "--until", "2099-12-31"), "in UTC it is 2099-12-31T00:00:00Z"),
        (("accept-drift", "nobody:nothing"), "`ml-health status --series` lists them"),
        (("accept-drift", "nobody:nothing", "--dry-run"), "nobody:nothing"),
        (("verdict", "77", "confirmed"), "`ml-health anomalies` shows"),
        (("explain", "77"), "table of open incidents"),
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

    code, out, err = run("run", "ml_score")

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


@pytest.mark.parametrize(
    "arguments",
    [("run", "--json"), ("run", "ml_purge", "--slot", "yesterday", "--json"), ("pin", "--json"), ("stauts", "--json")],
)
def test_wrong_usage_is_json_too_where_json_was_asked_for(run: Run, arguments: tuple[str, ...]) -> None:
    """A program that reads stdout finds one object, whatever it had wrong."""
    code, out, err = run(*arguments)

    told = json.loads(out)
    assert code == told["exit_code"] == 64
    assert " ".join(told["error"].split()) in " ".join(err.split())


def test_help_is_given_while_a_setting_is_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has mistyped a setting can still read how it is written; nothing else runs."""
    monkeypatch.setenv("ML_HEALTH_SCORING__LATENES_S", "5")

    assert run("status", "--help")[0] == 0
    assert "lateness_s = " in run("config", "--example")[1]
    assert "`lateness_s`" in run("config", "--reference")[1]
    assert run("config")[0] == 64


def test_an_address_that_is_none_is_answered_with_its_form(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is not taken for a secret and blotted out."""
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", "no address")

    code, _, err = run("status")

    assert code == 64
    assert "postgresql://<user>:<password>@HOST:PORT/DATABASE" in err


def test_a_grafana_that_is_not_there_is_told_with_what_to_check(run: Run) -> None:
    """Nothing listens on that port."""
    code, _, err = run("grafana", "apply", "--url", "http://127.0.0.1:9", "--token", "x")

    assert code == 2
    assert "http://127.0.0.1:9 gave no answer" in err
    assert "check that Grafana runs" in err


def test_a_home_that_cannot_be_written_fails_grafanas_run_with_what_to_set(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password has no place: the reason names the file and the setting."""
    (tmp_path / "a file").touch()
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "a file"))

    code, out, _ = run("run", "ml_grafana", "--json")

    assert code == 2
    assert json.loads(out)["reason"].endswith("set ML_HEALTH_HOME to a folder that you can write")


def test_an_error_is_json_too_where_json_was_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that reads stdout learns why there is no result; people read the same words on stderr."""
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", "postgresql://me:Zq-password@127.0.0.1:9/db")

    code, out, err = run("run", "ml_purge", "--json")

    told = json.loads(out)
    assert code == told["exit_code"] == 2
    assert told["kind"] == "DatabaseUnavailableError"
    assert "127.0.0.1:9/db" in told["error"]
    assert "Zq-password" not in out + err
    assert "127.0.0.1:9/db" in err


def test_doctor_says_that_tenants_are_not_mapped(run: Run, database: Database) -> None:
    """A site whose models have tenants is told which setting its readings need."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at)"
            " VALUES (gen_random_uuid(), 'PUMP', 'flow', '2025-01-01Z')"
        )

    _, out, _ = run("doctor", "--json")

    diagnoses = {entry["what"]: entry for entry in json.loads(out)["diagnoses"]}
    assert diagnoses["telemetry"]["grade"] == "warn"
    assert "telemetry.tenant_column" in diagnoses["telemetry"]["advice"]


def test_doctor_leaves_nothing_in_the_store(run: Run, tmp_path: Path) -> None:
    """What it writes to see whether it can is gone, from the trash too."""
    run("doctor", "--json")

    assert [path for path in (tmp_path / "home" / "artifacts").rglob("*") if path.is_file()] == []


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


def test_a_run_of_one_series_leaves_the_fleets_slot_open(run: Run, tmp_path: Path) -> None:
    """Trying one series by hand does not cost the whole fleet its run."""
    file = tmp_path / "pump.csv"
    file.write_text("device,metric,timestamp,value\npump,flow,2026-05-04T05:00:00Z,1.5\n")
    run("import", str(file))
    run("run", "ml_discover", "--now", "2026-05-04T05:30:00Z")
    one = run("run", "ml_discover", "--json", "--now", "2026-05-04T06:30:00Z", "--param", "series=pump:flow")

    fleet = run("run", "ml_discover", "--json", "--now", "2026-05-04T06:30:00Z")

    assert json.loads(one[1])["slot"] == "2026-05-04T06:30:00+00:00"
    assert json.loads(fleet[1])["outcome"] == "succeeded"


def test_a_dry_discovery_foresees_what_the_real_one_finds(run: Run, tmp_path: Path) -> None:
    """New series are counted though nothing is registered."""
    file = tmp_path / "pump.csv"
    file.write_text("device,metric,timestamp,value\npump,flow,2026-05-04T05:00:00Z,1.5\n")
    run("import", str(file))

    dry = json.loads(run("run", "ml_discover", "--json", "--dry-run", "--now", "2026-05-04T06:30:00Z")[1])
    known = json.loads(run("status", "--series", "--json")[1])["series"]
    real = json.loads(run("run", "ml_discover", "--json", "--now", "2026-05-04T06:30:00Z")[1])

    assert known == []
    assert dry["counts"] == real["counts"]
    assert dry["counts"]["found"] == 1


def test_every_series_is_listed_with_what_it_waits_for(run: Run, tmp_path: Path) -> None:
    """A series that still collects says from when it can be trained."""
    file = tmp_path / "pump.csv"
    hours = "".join(f"pump,flow,2026-05-04T{hour:02}:00:00Z,{hour}\n" for hour in range(6))
    file.write_text(f"device,metric,timestamp,value\n{hours}")
    run("import", str(file))
    run("run", "ml_discover", "--now", "2026-05-04T06:30:00Z")

    _, out, _ = run("status", "--series")
    (row,) = json.loads(run("status", "--series", "--json")[1])["series"]

    assert "pump:flow" in out
    assert (row["series"], row["state"], row["health"]) == ("pump:flow", "collecting", "unknown")
    assert row["why"].startswith("can be trained from 2026-05-1")


def test_muted_series_is_shown_as_muted_with_what_is_beneath(run: Run, tmp_path: Path) -> None:
    """Quiet is not healthy: the verdict that goes on being judged is told beside it."""
    file = tmp_path / "pump.csv"
    file.write_text("device,metric,timestamp,value\npump,flow,2026-05-04T00:00:00Z,1\n")
    run("import", str(file))
    run("run", "ml_discover", "--now", "2026-05-04T06:30:00Z")
    run("mute", "pump:flow", "--until", "2099-12-31T00:00:00Z")

    (row,) = json.loads(run("status", "--series", "--json")[1])["series"]

    assert row["health"] == "muted"
    assert row["why"].startswith("until 2099-12-31 00:00Z; beneath: unknown")


def test_a_folder_that_may_not_be_entered_is_one_line(run: Run, tmp_path: Path) -> None:
    """A file where the home should be ends as an error of ours, not as a traceback."""
    (tmp_path / "home").write_text("not a folder")

    code, _, err = run("grafana", "render", "--out", str(tmp_path / "home" / "x"))

    assert code in (2, 64)
    assert len(err.strip().splitlines()) == 1


def test_what_stands_in_brackets_is_printed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in a section's name is shown as it was written."""
    (tmp_path / "config.toml").write_text("[healht]\nstale_age_days = 3.0\n")
    monkeypatch.setenv("ML_HEALTH_CONFIG", str(tmp_path / "config.toml"))

    code, _, err = run("status")

    assert code == 64
    assert "[healht]" in err


def test_the_embedded_server_is_left_alone_where_it_is_not_in_use(run: Run) -> None:
    """With a database of the platform's, none of its commands acts on the embedded one."""
    answers = [run("db", command) for command in ("start", "stop", "status", "url")]

    assert {code for code, _, _ in answers} == {64}
    assert all("ML_HEALTH_DATABASE_URL" in err for _, _, err in answers)
