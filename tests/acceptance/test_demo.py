"""What the demo claims, held against what it did on real series."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from ml_core.entrypoints.cli import call
from ml_core.entrypoints.demo.live import SAMPLES_A_BATCH, watch_live
from ml_core.entrypoints.demo.simulation import Simulation
from ml_core.entrypoints.demo.sources import load_water_flow
from ml_core.entrypoints.demo.story import tell_story
from ml_core.entrypoints.runner import run_task
from ml_core.manifest import load_manifest
from ml_core.settings import Settings
from tests.grafana.macro_expander import Viewer

METRICS = {"flow", "temperature", "humidity", "light", "co2"}
END = datetime(2026, 11, 23, 13, tzinfo=UTC)
"""The demo's last moment; what is found must not depend on the hour, which `test_any_hour` varies."""
COUNTED = (
    "ml_models",
    "ml_health.series",
    "ml_health.finding",
    "ml_health.incident",
    "ml_health.outbox",
    "ml_health.run",
)
COUNTED_TOO = (
    "anomaly_detections",
    "ml_health.episode",
    "ml_health.model_event",
    "ml_health.check_result",
    "ml_health.verdict",
)


def begin_demo(folder: Path, end: datetime = END) -> subprocess.Popen[str]:
    """Start the demo in a process of its own, with its last moment fixed."""
    home = folder / "story"
    home.mkdir(parents=True, exist_ok=True)
    (home / "end").write_text(end.isoformat())
    command = [sys.executable, "-m", "ml_core.entrypoints.cli", "demo", "--json", "--dir", str(folder)]
    # Into a file: a pipe would be held open by whatever outlives a killed demo.
    with (folder / "printed").open("w") as printed:
        return subprocess.Popen(command, stdout=printed, stderr=subprocess.DEVNULL, text=True)


def finish(demo: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    """Wait for its end and read its summary."""
    assert demo.wait(timeout=300) == 0
    summary: dict[str, Any] = json.loads((folder / "printed").read_text())
    return summary


def stop(folder: Path) -> None:
    """Stop its database."""
    with closing(Platform(Settings(home=folder / "story"))) as platform:
        platform.embedded_postgres.stop()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A demo that was played once: its folder and its summary."""
    folder = tmp_path_factory.mktemp("demo")
    yield folder, finish(begin_demo(folder), folder)
    stop(folder)


@pytest.fixture
def platform(played: tuple[Path, dict[str, Any]]) -> Iterator[Platform]:
    """The platform on which it was played."""
    with closing(Platform(Settings(home=played[0] / "story"))) as opened:
        yield opened


def test_each_fault_is_found_by_the_right_check_with_the_right_reason(played: tuple[Path, dict[str, Any]]) -> None:
    """A stuck sensor, a changed unit, a damaged file and an old model: each in the words that fit."""
    found = {planted["check"]: planted["message"] or "not found" for planted in played[1]["planted"]}

    assert set(found) == {"flatline", "unit_change", "artifact", "age"}
    assert "stuck" in found["flatline"]
    assert "litres per second to cubic metres per hour" in found["unit_change"]
    assert "checksum" in found["artifact"]
    assert "days ago" in found["age"]


def test_faults_are_found_only_where_they_were_put(played: tuple[Path, dict[str, Any]]) -> None:
    """No other series is called stuck, in another unit, or damaged."""
    planted = {(entry["series"], entry["check"]) for entry in played[1]["planted"]}
    told = {(finding["series"], finding["check"]) for finding in played[1]["findings"]}

    assert {entry for entry in told if entry[1] in {"flatline", "unit_change", "artifact"}} <= planted


def test_the_damaged_model_was_replaced_and_the_old_one_retrained(played: tuple[Path, dict[str, Any]]) -> None:
    """One quarantine; the series of the damaged file and of the old model are at a later version."""
    versions = {tally["series"]: tally["version"] for tally in played[1]["series"]}

    assert played[1]["events"]["quarantined"] == 1
    assert versions["branch-4:flow"] >= 2
    assert versions["branch-5:flow"] >= 2


def test_nothing_stuck_or_in_another_unit_was_learned(played: tuple[Path, dict[str, Any]], platform: Platform) -> None:
    """Every model of those series learned from readings before the fault, or was refused."""
    versions = platform.models.list_versions()
    series = {record.series_id: str(record.key) for record in platform.series.list_series()}
    active = {series[version.series_id]: version for version in versions if version.status == "active"}

    assert active["branch-3:flow"].metadata["value_max"] < 150
    assert active["branch-2:flow"].metadata["flat_run_max"] < 12


def test_a_real_leak_is_an_episode_on_every_copy(played: tuple[Path, dict[str, Any]]) -> None:
    """The leak that the file really holds is found without any label."""
    episodes = {tally["series"]: tally["episodes"] for tally in played[1]["series"]}

    assert all(episodes[f"branch-{number}:flow"] >= 1 for number in (1, 2, 3, 4, 5))


def test_every_series_that_collected_enough_has_a_model(played: tuple[Path, dict[str, Any]]) -> None:
    """The room began six days before the end: it was collecting first and is modelled now."""
    states = {tally["series"]: tally["state"] for tally in played[1]["series"]}

    assert set(states.values()) == {"modelled"}
    assert len(states) == 9


def test_issues_dashboards_and_picture_are_there(played: tuple[Path, dict[str, Any]]) -> None:
    """Every path that the summary names exists, and what was not mended the same night has its issue."""
    summary = played[1]
    bodies = "\n".join(Path(path).read_text() for path in summary["issues"])

    assert Path(summary["picture"]).read_bytes().startswith(b"\x89PNG")
    assert list(Path(summary["dashboards"]).rglob("*.json"))
    assert all(f"check:{check}" in bodies for check in ("flatline", "unit_change", "age"))


def test_its_operator_has_reviewed_what_was_found(platform: Platform) -> None:
    """Every alarm but those of the last day has its verdict, and hours without alarms are among what was looked at."""
    midnight = END.replace(hour=0)
    with platform.database.transaction() as cur:
        cur.execute(
            'SELECT count(*) FROM grafana.anomaly WHERE verdict IS NULL AND "timestamp" < %s AND "timestamp" > %s',
            (midnight, midnight - timedelta(days=7)),
        )
        unreviewed = cur.fetchall()
        cur.execute("SELECT DISTINCT verdict FROM grafana.verdict")
        said = {verdict for (verdict,) in cur.fetchall()}
        cur.execute("SELECT count(*) FROM grafana.verdict WHERE device = 'branch-1' AND verdict = 'missed'")
        (missed,) = cur.fetchone() or (0,)

    assert unreviewed == [(0,)]
    assert {"confirmed", "normal"} <= said <= {"confirmed", "false_alarm", "normal", "missed"}
    # Nothing was planted there, but its real leak went on for hours after the alarm.
    assert missed > 0


def test_the_five_panels_of_the_seed_show_figures(platform: Platform) -> None:
    """Over the last week: models, anomalies in time, accuracy of each metric, latency, false positive rate with n."""
    board = json.loads(files("ml_core.grafana").joinpath("json/fleet_overview.json").read_text(encoding="utf-8"))
    all_values = {each["name"]: each["allValue"] for each in board["templating"]["list"] if "allValue" in each}
    viewer = Viewer(start=END - timedelta(days=7), end=END, chosen={})
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for panel in board["panels"]:
        with platform.database.transaction() as cur:
            cur.execute(viewer.expand(panel["targets"][0]["rawSql"], all_values))
            rows[panel["title"]] = cur.fetchall()

    assert rows["Active models"] == [("9 of 9 expected", 1.0)]
    assert sum(row[-1] for row in rows["Anomalies detected"]) > 0
    assert {label.split(" (n = ")[0] for label, _ in rows["Model accuracy"]} == METRICS
    assert all(0.5 < accuracy <= 1 for _, accuracy in rows["Model accuracy"])
    assert sum(row[-1] for row in rows["Prediction latency"]) > 0
    ((label, rate),) = rows["False positive rate"]
    assert label.startswith("n = ")
    assert 0 <= rate < 0.05


def test_a_second_run_of_every_slot_changes_nothing(platform: Platform) -> None:
    """Each slot that was run is skipped, and no table grows."""
    with platform.database.transaction() as cur:
        cur.execute("SELECT task, slot FROM ml_health.run WHERE outcome IN ('succeeded', 'skipped')")
        slots = cur.fetchall()
    before = count_rows(platform)

    outcomes = {run_task(platform, task, now=END, slot=slot).outcome for task, slot in slots}

    assert outcomes == {Outcome.SKIPPED}
    assert {task for task, _ in slots} == {spec.task_id for spec in load_manifest().tasks}
    assert count_rows(platform) == before


def test_a_demo_begun_again_after_its_end_changes_nothing(played: tuple[Path, dict[str, Any]]) -> None:
    """It tells the same summary once more."""
    assert finish(begin_demo(played[0]), played[0]) == played[1]


def test_the_summary_for_people_names_every_fault_and_path(
    played: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Begun again in this process, it prints what was put in, what was found, and where to look."""
    code = call(["demo", "--dir", str(played[0])])

    out = capsys.readouterr().out.replace("\n", "")
    assert code == 0
    assert all(planted["fault"] in out for planted in played[1]["planted"])
    assert "not found" not in out
    assert played[1]["picture"].replace("/", "")[-20:] in out.replace("/", "")


def test_ones_own_readings_are_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A CSV of one column a metric: its last days are played, its model and its picture are there."""
    readings = load_water_flow(END)
    frame = pd.DataFrame({"timestamp": readings.timestamps, "flow": readings.values})
    frame.to_csv(tmp_path / "branch-9.csv", index=False)
    arguments = ["demo", "--csv", str(tmp_path / "branch-9.csv"), "--dir", str(tmp_path / "demo"), "--json"]

    refused = call(arguments)
    refusal = capsys.readouterr()
    code = call([*arguments, "--tz", "UTC"])

    captured = capsys.readouterr()
    call(["demo", "--stop", "--dir", str(tmp_path / "demo")])
    (tally,) = json.loads(captured.out)["series"]
    assert (refused, code) == (64, 0)
    assert "--tz" in refusal.err
    assert (tally["series"], tally["state"], tally["episodes"]) == ("branch-9:flow", "modelled", 1)


def test_this_machine_is_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind of figure becomes a series, and those that move get a model."""
    with closing(Platform(Settings(home=tmp_path))) as live:
        watch_live(live, seconds=12, interval_s=0.02)
        series = live.series.list_series()
        readings = live.telemetry.list_extents(until=datetime.now(UTC))
        live.embedded_postgres.stop()

    assert {"cpu_percent", "memory_percent", "network_sent_bytes_s"} <= {record.key.metric for record in series}
    # How many fit into the seconds is the machine's affair; of every figure there are as many.
    (stored,) = {extent.readings for extent in readings}
    assert stored >= 2 * SAMPLES_A_BATCH
    assert "samples" in capsys.readouterr().err


def test_a_demo_killed_at_any_moment_is_completed_by_the_next(
    played: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Killed twice at random moments, it ends with the same findings, scores and versions.

    Not more often: on a slow machine all of them would meet one task, whose slot is given up after its attempts.
    """
    moments = random.Random(7)
    try:
        for _ in range(2):
            demo = begin_demo(tmp_path)
            time.sleep(moments.uniform(0.5, 6.0))
            demo.kill()
            demo.wait()
        summary = finish(begin_demo(tmp_path), tmp_path)
    finally:
        stop(tmp_path)

    assert found_when(summary) == found_when(played[1])
    assert without_versions(summary["series"]) == without_versions(played[1]["series"])
    assert summary["events"]["promoted"] == played[1]["events"]["promoted"]


def test_the_story_is_the_same_at_any_hour() -> None:
    """Whatever hour it ends at, each fault has begun early enough for a daily check to see it."""
    for hour in range(24):
        end = END.replace(hour=hour)
        series = tell_story(end)
        moments = Simulation(
            platform=Platform(Settings(home=Path("unused"))), series=series, begin=END.replace(day=14), end=end
        ).moments()

        assert all(one.fault.since < moments[-1] for one in series if one.fault)


def found_when(summary: dict[str, Any]) -> dict[str, str]:
    """When each planted fault was found, by its check."""
    return {planted["check"]: planted["found_at"] for planted in summary["planted"]}


def without_versions(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tallies without version numbers: a training that was killed has used one up."""
    return [{name: value for name, value in tally.items() if name != "version"} for tally in series]


def count_rows(platform: Platform) -> dict[str, int]:
    """How many rows each table holds."""
    counts = {}
    with platform.database.transaction() as cur:
        for table in COUNTED + COUNTED_TOO:
            cur.execute(f"SELECT count(*) FROM {table}")
            (counts[table],) = cur.fetchone() or (0,)
    return counts
