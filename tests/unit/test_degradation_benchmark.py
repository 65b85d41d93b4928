"""The degradation benchmarks on a small folder and a small fleet: the same commands, sizes and seeds aside."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.signal import lfilter

from benchmarks.quality.degradation import GOALS, main, measure, summarise
from benchmarks.quality.degradation_choice import configurations, find_all, judge_left_out
from benchmarks.quality.degradation_plot import draw
from benchmarks.quality.drift_windows import HEALTHY, N_LIVE, N_REFERENCE, cut_windows, spoil
from benchmarks.quality.fleet_drift import MOST_DRIFTING_PHI, Layout, plan_fleet
from benchmarks.quality.fleet_drift import measure as measure_fleet
from ml_core.domain.policies import DriftPolicy

N = N_REFERENCE + 4 * N_LIVE
SMALL = Layout(series=100, training_days=7, days=5, drift_day=2, draws=1, trees=3)


def remembering(seed: int, n: int = N) -> np.ndarray:
    """A first-order autoregression of half a reading."""
    noise = np.random.default_rng(seed).normal(size=n)
    return 20.0 + lfilter([1.0], [1.0, -0.5], noise)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three real series, one of them with a label at its end, and a simulated one that is left out."""
    kinds = {"nab_1": "nab/real", "nab_2": "nab/real", "nab_3": "nab/real", "nab_4": "nab/artificialNoAnomaly"}
    rows = [f"{name},nab,{name},{name},{kind},{N},600.0,400" for name, kind in kinds.items()]
    head = "series_id,source,device,metric,kind,n,step_s,train_end"
    (tmp_path / "series.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    head = "series_id,start_idx,end_idx,start,end,type"
    (tmp_path / "labels.csv").write_text(f"{head}\nnab_1,{N - 5},{N - 1},-,-,window\n", encoding="utf-8")
    stamps = np.datetime_as_string(np.datetime64("2026-01-01T00:00:00") + np.arange(N) * np.timedelta64(600, "s"))
    lines = [
        f"{name},{stamp},{value}"
        for seed, name in enumerate(kinds)
        for stamp, value in zip(stamps, remembering(seed), strict=True)
    ]
    with gzip.open(tmp_path / "nab.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(["series_id,timestamp,value", *lines, ""]))
    return tmp_path


def test_windows_touch_no_label_and_no_simulated_series(folder: Path) -> None:
    """Three windows a series, one a live day after the other; the last one of the labelled series is left out."""
    windows = cut_windows(folder)

    assert [(window.series, window.start) for window in windows] == [
        *[("nab_1", 0), ("nab_1", N_LIVE)],
        *[(name, place * N_LIVE) for name in ("nab_2", "nab_3") for place in range(3)],
    ]
    assert all(len(window.reference) == N_REFERENCE for window in windows)
    assert all(len(day) == N_LIVE for window in windows for day in window.live)


def test_faults_are_scaled_by_the_reference(folder: Path) -> None:
    """A shift is its standard deviation, doubled variance is doubled, and the same seed gives the same day."""
    window = cut_windows(folder)[0]
    day, sd = window.live[0].values, window.reference.values.std()

    assert spoil(window, "mean + 1 sigma", 0, seed=1).values == pytest.approx(day + sd)
    assert spoil(window, "variance x2", 0, seed=1).values.var() == pytest.approx(2 * day.var())
    assert spoil(window, "ramp 0 to 2 sigma", 1, seed=1).values[-1] == pytest.approx(window.live[1].values[-1] + 2 * sd)
    once, again = (spoil(window, "variance x2 by noise", 0, seed=1).values.tolist() for _ in range(2))
    assert once == again


def test_the_command_measures_and_draws(folder: Path, tmp_path: Path) -> None:
    """A table, a file of figures and a picture; on series that keep still all goals are reached."""
    output, picture = tmp_path / "degradation.json", tmp_path / "degradation.png"

    told = CliRunner().invoke(
        main, ["--data", str(folder), "--workers", "1", "--output", str(output)], catch_exceptions=False
    )
    document = json.loads(output.read_text(encoding="utf-8"))
    draw(document, picture)

    assert told.exit_code == 0
    assert "8 windows of 3 series" in told.output
    assert {row["fault"]: row["reached"] for row in document["rows"] if row["fault"] in GOALS} == dict.fromkeys(
        GOALS, True
    )
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_left_out_series_is_judged_by_what_the_others_chose(folder: Path) -> None:
    """On series where every configuration does the same, leaving one out changes nothing."""
    trials = measure(cut_windows(folder), tuple(GOALS))
    tried = [find_all(trials, policy) for policy in configurations()[:2]]

    found, chosen = judge_left_out(trials, tried)

    assert len(chosen) == 3
    assert found[HEALTHY].tolist() == tried[0][HEALTHY].tolist()
    assert summarise(trials, HEALTHY).degraded == 0


def test_a_fleet_is_left_alone_and_its_drift_is_found() -> None:
    """The fleet's goals on 100 series: under 1 % a day called degraded, few false discoveries, drift found."""
    healthy, drift = measure_fleet(SMALL)
    plans = plan_fleet(SMALL, draw=0)

    assert healthy.degraded_a_day <= 0.01
    assert healthy.canary_rate <= 2 * DriftPolicy().false_discovery_rate
    assert healthy.loud_days == 0
    assert drift.false_discovery_rate <= 0.1
    assert {plan.phi for plan in plans if plan.fault is not None} <= {0.0, 0.3, 0.5, 0.7, 0.8, MOST_DRIFTING_PHI}
    assert all(row.found == 1.0 for row in drift.power if row.fault in ("stuck", "unit change"))
