"""`ml-health evaluate` on files of one's own."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS
from ml_core.entrypoints.cli import EXIT_FAILED, EXIT_USAGE, call

STEP = np.timedelta64(600, "s")
START = np.datetime64("2026-01-05T00:00:00")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site without a database: nothing here needs one."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


def write_series(path: Path, names: list[str], n: int = 2000) -> Path:
    """Noise around 60 with a step of ten deviations at readings 1200 to 1239; the name in a column of its own."""
    values = np.random.default_rng(5).normal(60.0, 1.0, (len(names), n))
    values[:, 1200:1240] += 10.0
    rows = [
        f"{START + STEP * place}Z,{name},{values[number, place]:.3f}"
        for number, name in enumerate(names)
        for place in range(n)
    ]
    path.write_text("\n".join(["timestamp,series_id,value", *rows, ""]), encoding="utf-8")
    return path


def write_labels(path: Path, *spans: tuple[str, int, int]) -> Path:
    """Labels by the places of readings."""
    rows = [f"{name},{START + STEP * first}Z,{START + STEP * last}Z" for name, first, last in spans]
    path.write_text("\n".join(["series,start,end", *rows, ""]), encoding="utf-8")
    return path


def test_every_kind_is_judged_and_a_plain_step_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recall, luck and false alarms of each detector that a site may choose."""
    readings = write_series(tmp_path / "plant.csv", ["P1", "P2"])
    labels = write_labels(tmp_path / "labels.csv", ("", 1200, 1239))

    assert call(["evaluate", str(readings), "--labels", str(labels), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in document["kinds"]] == [detector.kind for detector in DETECTOR_KINDS]
    frozen = document["kinds"][0]["quality"]
    assert (frozen["n_series"], frozen["n_events"], frozen["recall"]["value"]) == (2, 2, 1.0)
    assert frozen["chance"]["value"] < 0.2
    assert frozen["vus_pr"]["value"] > 0.9


def test_the_table_names_detectors_and_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, with what could not be used beside it."""
    readings = write_series(tmp_path / "plant.csv", ["P1"])
    labels = write_labels(tmp_path / "labels.csv", ("P1", 1200, 1239), ("P1", 3, 4), ("P9", 1300, 1301))

    assert call(["evaluate", str(readings), "--labels", str(labels), "--kind", "isolation_forest"]) == 0
    told = capsys.readouterr()
    assert "plant.csv: 1 series, 1 events" in told.out
    assert "recall (chance)" in told.out
    assert "2 labels touch no scored reading" in told.err


def test_a_table_of_times_and_values_is_one_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No device and no metric need be named."""
    long = write_series(tmp_path / "long.csv", ["P1"]).read_text(encoding="utf-8")
    plain = tmp_path / "pump.csv"
    plain.write_text("\n".join(line.replace("series_id,", "").replace("P1,", "") for line in long.splitlines()))
    labels = write_labels(tmp_path / "labels.csv", ("pump:value", 1200, 1239))

    assert call(["evaluate", str(plain), "--labels", str(labels), "--kind", "isolation_forest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"][0]["quality"]["n_events"] == 1


def test_what_cannot_be_used_is_told_and_the_rest_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A series too short to be split, one too short to be learned, and a row without a value: exit code 1."""
    readings = write_series(tmp_path / "plant.csv", ["P1"])
    with readings.open("a", encoding="utf-8") as file:
        file.write(f"{START}Z,P2,1.0\n{START}Z,P3,\n")
        file.writelines(f"{START + STEP * place}Z,P4,{place % 9}\n" for place in range(100))
    labels = write_labels(tmp_path / "labels.csv", ("P1", 1200, 1239))

    arguments = ["evaluate", str(readings), "--labels", str(labels), "--kind", "isolation_forest"]
    assert call([*arguments, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["rejected_rows"], document["skipped_series"]) == (1, ["P2:value"])
    assert "min_readings" in document["kinds"][0]["refusals"]["P4:value"]
    assert call(arguments) == 1
    assert "P4:value is not learned" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "code", "complaint"),
    [
        (["--train-share", "1.5"], EXIT_USAGE, "train_share must be a number over 0 and below 1, got 1.5"),
        (["--train-share", "0.0001"], EXIT_FAILED, "no series is long enough"),
        (["--kind", "oracle"], EXIT_USAGE, "unknown detector kind 'oracle'"),
        (["--column", "value=height"], EXIT_USAGE, "there is no such column"),
    ],
)
def test_bad_input_names_the_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, complaint: str
) -> None:
    """One line, no traceback."""
    readings = write_series(tmp_path / "plant.csv", ["P1"])
    labels = write_labels(tmp_path / "labels.csv", ("P1", 1200, 1239))

    assert call(["evaluate", str(readings), "--labels", str(labels), *more]) == code
    assert complaint in capsys.readouterr().err


def test_a_file_without_a_usable_row_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how many were rejected and where to look."""
    readings = tmp_path / "empty.csv"
    readings.write_text("timestamp,value\nyesterday,4\n", encoding="utf-8")
    labels = write_labels(tmp_path / "labels.csv", ("", 1, 2))

    assert call(["evaluate", str(readings), "--labels", str(labels)]) == EXIT_FAILED
    assert "no row can be used, 1 are rejected" in capsys.readouterr().err
