"""The measurement of the gate: what its weeks are made of, and that it tells whether the goals are met."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.quality.corpus import load_groups
from benchmarks.quality.gate import Answer, main, meets_goals, tabulate
from benchmarks.quality.gate_faults import HEALTHY, SPOILINGS, spoil
from benchmarks.quality.gate_segments import Layout, cut_segments
from ml_core.domain.series import Readings

N, WINDOW = 2400, 500


def week() -> Readings:
    """Readings that never repeat."""
    stamps = np.datetime64("2026-01-01", "us") + np.arange(WINDOW) * np.timedelta64(600, "s")
    return Readings(timestamps=stamps, values=np.random.default_rng(1).normal(20.0, 1.0, WINDOW))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One series of ten minutes with an event in its middle, and one of a second, which is left out."""
    rows = [("nab_1", "nab", 600), ("nab_2", "nab", 1)]
    series = [f"{name},{source},{name},{name},{source}/real,{N},{step}.0,100" for name, source, step in rows]
    (tmp_path / "series.csv").write_text(
        "\n".join(["series_id,source,device,metric,kind,n,step_s,train_end", *series, ""]), encoding="utf-8"
    )
    (tmp_path / "labels.csv").write_text(
        "series_id,start_idx,end_idx,start,end,type\nnab_1,1200,1220,-,-,window\n", encoding="utf-8"
    )
    lines = ["series_id,timestamp,value"]
    for seed, (name, _, step) in enumerate(rows):
        values = np.random.default_rng(seed).normal(20.0, 1.0, N)
        stamps = np.datetime64("2026-01-01", "s") + np.arange(N) * np.timedelta64(step, "s")
        lines += [f"{name},{stamp},{value}" for stamp, value in zip(stamps, values, strict=True)]
    with gzip.open(tmp_path / "nab.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    return tmp_path


def test_segments_keep_clear_of_labels(folder: Path) -> None:
    """Two windows that follow on each other, none over a labelled event, none of a fast signal, no more than asked."""
    layout = Layout(window=WINDOW, week=WINDOW, stride=10, per_series=5)
    event = np.datetime64("2026-01-01", "s") + np.array([1200, 1220]) * np.timedelta64(600, "s")

    segments = cut_segments(load_groups(folder), layout)

    assert len(segments) == 5
    for segment in segments:
        assert (len(segment.champion), len(segment.week)) == (WINDOW, WINDOW)
        assert segment.week.timestamps[0] - segment.champion.timestamps[-1] == np.timedelta64(600, "s")
        assert segment.week.timestamps[-1] < event[0] or segment.champion.timestamps[0] > event[1]


def test_window_of_the_challenger_ends_with_the_week(folder: Path) -> None:
    """Where only a part is new, the rest is what the champion knows too."""
    layout = Layout(window=WINDOW, week=50, stride=10, per_series=1)
    (segment,) = cut_segments(load_groups(folder), layout)

    window = segment.window_ending_with(segment.week)

    assert len(window) == WINDOW
    np.testing.assert_array_equal(window.values[:-50], segment.champion.values[50:])
    assert (np.diff(window.timestamps) == np.timedelta64(600, "s")).all()


@pytest.mark.parametrize("kind", SPOILINGS)
def test_week_is_spoilt_where_it_says(kind: str) -> None:
    """A half or all of it, the same every time, and never the readings that were handed in."""
    clean = week()

    spoilt = spoil(clean, kind, deviation=1.0, size=2.0, seed=5)
    changed = spoilt.values != clean.values

    np.testing.assert_array_equal(spoilt.values, spoil(clean, kind, deviation=1.0, size=2.0, seed=5).values)
    np.testing.assert_array_equal(clean.values, week().values)
    halves = changed[: WINDOW // 2].mean(), changed[WINDOW // 2 :].mean()
    assert max(halves) > 0.95
    assert (min(halves) == 0) == ("half" in kind)


def test_healthy_week_is_left_as_it_is() -> None:
    """Nothing is spoilt."""
    np.testing.assert_array_equal(spoil(week(), HEALTHY, deviation=1.0, size=2.0, seed=5).values, week().values)


def answers(healthy: int, faulty: int) -> list[Answer]:
    """Twenty weeks of each kind, so many of them accepted."""
    counts = {kind: healthy if kind == HEALTHY else faulty for kind in (HEALTHY, *SPOILINGS)}
    return [
        Answer(series=f"s{i % 4}", kind=kind, accepted=i < count) for kind, count in counts.items() for i in range(20)
    ]


@pytest.mark.parametrize(("healthy", "faulty", "met"), [(15, 3, True), (14, 3, False), (15, 4, False)])
def test_goals_are_of_both_sides(healthy: int, faulty: int, met: bool) -> None:
    """Three of four healthy weeks, and at most fifteen in a hundred of each faulty kind."""
    rows = tabulate(answers(healthy, faulty))

    assert meets_goals(rows) is met
    assert rows[0].low < rows[0].accepted < rows[0].high


def test_command_measures_a_folder(folder: Path, tmp_path: Path) -> None:
    """Steady noise: healthy weeks pass, a shift of four deviations does not."""
    out = tmp_path / "gate.json"
    words = ["--data", str(folder), "--window", str(WINDOW), "--per-series", "2", "--size", "4", "--out", str(out)]

    result = CliRunner().invoke(main, words)

    rows = {row["kind"]: row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    assert result.exit_code == 0, result.output
    assert rows[HEALTHY]["accepted"] == 1.0
    assert rows["shift all"]["accepted"] == 0.0
