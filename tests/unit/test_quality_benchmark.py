"""The quality benchmark: its corpus, its rivals and its command, on a small folder of the same layout."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pyod.models.ecod import ECOD

from benchmarks.quality.__main__ import main
from benchmarks.quality.aggregation import aggregate
from benchmarks.quality.corpus import DATA_VARIABLE, DEFAULT_DATA, find_data, load_groups
from benchmarks.quality.measuring import measure
from benchmarks.quality.rivals import RIVALS, SCORERS
from benchmarks.quality.rivals.expanding_ecod import expanding_ecod
from ml_core.domain.evaluation.labelled_scores import EventWindow
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings
from ml_core.errors import ConfigurationError

N, N_TRAINING = 900, 400


def make_values(seed: int) -> np.ndarray:
    """A day's rhythm with noise, and a step at readings 700 to 739."""
    steps = np.arange(N)
    values = 20.0 + np.sin(2 * np.pi * steps / 48) + np.random.default_rng(seed).normal(0.0, 0.3, N)
    values[700:740] += 6.0
    return values


def make_readings(seed: int = 0, step_s: int = 600) -> Readings:
    """The values above at even steps."""
    stamps = np.datetime64("2026-01-01", "us") + np.arange(N) * np.timedelta64(step_s, "s")
    return Readings(timestamps=stamps, values=make_values(seed))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two NAB series, one of them without an event, and a SKAB device of two metrics at 1 Hz."""
    series = [
        ("nab_1", "nab", "pump", "pump", "nab/real", 600),
        ("nab_2", "nab", "still", "still", "nab/artificialNoAnomaly", 600),
        ("skab_1_flow", "skab", "skab_1", "flow", "skab/valve", 1),
        ("skab_1_heat", "skab", "skab_1", "heat", "skab/valve", 1),
    ]
    rows = [",".join([*names[:5], str(N), str(float(names[5])), str(N_TRAINING)]) for names in series]
    (tmp_path / "series.csv").write_text(
        "\n".join(["series_id,source,device,metric,kind,n,step_s,train_end", *rows, ""]), encoding="utf-8"
    )
    labels = [f"{name},700,739,-,-,window\n{name},710,710,-,-,point" for name in ("nab_1", "skab_1_flow")]
    (tmp_path / "labels.csv").write_text(
        "\n".join(["series_id,start_idx,end_idx,start,end,type", *labels, ""]), encoding="utf-8"
    )
    for source in ("nab", "skab"):
        lines = ["series_id,timestamp,value"]
        for seed, (name, of, *_, step_s) in enumerate(series):
            readings = make_readings(seed, int(step_s))
            pairs = zip(readings.timestamps, readings.values, strict=True)
            lines += [f"{name},{stamp},{value}" for stamp, value in pairs if of == source]
        with gzip.open(tmp_path / f"{source}.csv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return tmp_path


def test_the_folder_becomes_groups(folder: Path) -> None:
    """Series alone, devices joined, quiet series apart, fast ones also aggregated; labelled instants left out."""
    groups = {group.name: group for group in load_groups(folder)}

    assert {name: len(group.units) for name, group in groups.items()} == {
        "nab": 2,
        "no-anomaly": 1,
        "skab": 1,
        "skab-10s": 1,
    }
    assert [metric.windows for unit in groups["nab"].units for metric in unit.metrics] == [
        (EventWindow(first=300, last=339),),
        (),
    ]
    assert [metric.name for metric in groups["skab"].units[0].metrics] == ["skab_1_flow", "skab_1_heat"]
    assert groups["skab-10s"].units[0].metrics[0].windows == (EventWindow(first=30, last=33),)


def test_equal_instants_keep_their_rows(folder: Path) -> None:
    """Labels count rows, so that a second reading of an instant may not be dropped."""
    path = folder / "nab.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[1], lines[2].split(",")[1])
    path.write_bytes(gzip.compress("\n".join(lines).encode()))

    readings = load_groups(folder)[0].units[0].metrics[0].readings
    assert len(readings) == N
    assert (np.diff(readings.timestamps) > np.timedelta64(0)).all()


def test_aggregation_keeps_training_and_events_apart() -> None:
    """Means over ten seconds; a step that holds a scored reading is scored."""
    series = LabelledSeries.split(
        name="a", device="a", readings=make_readings(step_s=1), n_training=405, events=[(701, 719)]
    )
    slow = aggregate(series, 10.0)

    assert (len(slow.readings), slow.n_training, slow.step_s) == (90, 40, 10.0)
    assert slow.readings.values[3] == pytest.approx(series.readings.values[30:40].mean())
    assert slow.windows == (EventWindow(first=30, last=31),)


@pytest.mark.parametrize("name", SCORERS)
def test_no_rival_sees_the_future(name: str) -> None:
    """Scores and alarms of what went before stay when later readings are cut off."""
    readings = make_readings()
    training, scored, cut = (
        Readings(timestamps=readings.timestamps[part], values=readings.values[part])
        for part in (slice(N_TRAINING), slice(N_TRAINING, N), slice(N_TRAINING, 760))
    )
    whole, before = SCORERS[name](training, scored), SCORERS[name](training, cut)

    np.testing.assert_allclose(whole.scores[:360], before.scores, rtol=1e-9)
    assert np.array_equal(whole.alarms[:360], before.alarms)
    assert whole.scores.shape == (N - N_TRAINING,)


def test_expanding_ecod_is_pyods_one_reading_at_a_time() -> None:
    """What PyOD answers for a reading among all before it."""
    readings = make_readings()
    training = Readings(timestamps=readings.timestamps[:N_TRAINING], values=readings.values[:N_TRAINING])
    scored = Readings(timestamps=readings.timestamps[N_TRAINING:450], values=readings.values[N_TRAINING:450])
    ours = expanding_ecod(training, scored).scores

    for place in (0, 7, 49):
        model = ECOD().fit(readings.values[: N_TRAINING + place].reshape(-1, 1))
        theirs = model.decision_function(readings.values[[N_TRAINING + place]].reshape(-1, 1))
        assert ours[place] == pytest.approx(theirs[0])


def test_the_command_prints_tables_and_writes_a_file(folder: Path, tmp_path: Path) -> None:
    """Any folder of the layout, chosen detectors and groups; two workers answer as one."""
    documents = []
    for workers in ("1", "2"):
        output = tmp_path / f"results-{workers}.json"
        arguments = ["--data", str(folder), "--only", "robust-z", "--group", "nab", "--group", "skab"]
        result = CliRunner().invoke(main, [*arguments, "--output", str(output), "--workers", workers])
        assert result.exit_code == 0, result.output
        assert "NAB, a series each: 2 series or devices, 1 events" in result.output
        documents.append(json.loads(output.read_text(encoding="utf-8")))

    assert [row["quality"] for row in documents[0]["rows"]] == [row["quality"] for row in documents[1]["rows"]]
    assert [row["group"] for row in documents[0]["rows"]] == ["nab", "skab"]
    assert documents[0]["rows"][0]["quality"]["recall"]["value"] == 1.0
    assert "pyod" in documents[0]["machine"]["packages"]


@pytest.mark.parametrize(("option", "what"), [("--only", "detector"), ("--group", "group")])
def test_unknown_names_are_refused_with_the_known_ones(folder: Path, option: str, what: str) -> None:
    """A mistyped name does not measure everything."""
    result = CliRunner().invoke(main, ["--data", str(folder), option, "oracle"])

    assert isinstance(result.exception, ConfigurationError)
    assert f"unknown {what} oracle; known: " in str(result.exception)


def test_absent_data_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment too."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "nowhere"))

    with pytest.raises(ConfigurationError, match=f"give --data DIR, or set {DATA_VARIABLE}"):
        find_data(None)


def test_simple_rivals_measure_on_nab_what_is_known_of_them() -> None:
    """The protocol reproduces known figures of two simple rivals: VUS-PR, NAB optimum, false alarms, flags."""
    if not (DEFAULT_DATA / "nab.csv.gz").is_file():
        pytest.skip(f"the development series are not in {DEFAULT_DATA}")
    nab = [group for group in load_groups(DEFAULT_DATA) if group.name == "nab"]
    rivals = {name: RIVALS[name] for name in ("robust-z", "pyod-ecod")}
    measured = {row.scorer: row.quality for row in measure(rivals, nab, workers=1, progress=lambda *_: None)}
    figures = {
        name: [
            round(figure.value, digits)
            for figure, digits in (
                (quality.vus_pr, 3),
                (quality.nab_optimum, 1),
                (quality.false_alarms_per_1000, 1),
                (quality.flagged_per_1000, 0),
            )
            if figure is not None
        ]
        for name, quality in measured.items()
    }

    assert figures == {"robust-z": [0.217, 9.0, 9.4, 171.0], "pyod-ecod": [0.209, 56.7, 4.1, 7.0]}
