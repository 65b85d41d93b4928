"""What the degradation checks find on real telemetry: `python -m benchmarks.quality.degradation`.

A model is fitted to a reference of 1,000 readings; the two live days after it, of 288 readings each, are as they
were or spoilt. Detector, drift test, sensor checks and the control over the fleet are the product's, with the settings'
defaults. Each spoilt window stands alone among the healthy ones of the whole corpus: the hardest case for a test
that is corrected for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table
from scipy.stats import ks_2samp

from benchmarks.machine import describe_machine
from benchmarks.quality.corpus import DATA_VARIABLE, find_data
from benchmarks.quality.drift_windows import FAULTS, HEALTHY, N_CHECKS, DriftWindow, cut_windows, spoil
from benchmarks.results_file import RESULTS, write_results
from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.range_check import check_out_of_range
from ml_core.domain.checks.unit_change import check_unit_change
from ml_core.domain.checks.value_checks import check_flatline
from ml_core.domain.degradation.block_history import largest_outside_share
from ml_core.domain.degradation.drift import benjamini_hochberg
from ml_core.domain.degradation.model_drift import DriftTest, LiveSample, Reference, compare_with_reference
from ml_core.domain.degradation.null_canary import NullCanary, NullSplit, count_null, draw_split, split_null
from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions, ModelArtifact
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.policies import DriftPolicy, HealthPolicy
from ml_core.domain.reviews.proportion import wilson_interval
from ml_core.domain.series import Readings, to_datetime
from ml_core.domain.training.training_profile import TrainingProfile
from ml_core.errors import UnmodellableSeriesError

OUTPUT = RESULTS / "degradation.json"
SEED = 20_250_301
RESAMPLES = 2000
DRIFT, HEALTH = DriftPolicy(), HealthPolicy()
PLAIN_P, PLAIN_PSI, PSI_BINS = 0.05, 0.25, 10
MOST, LEAST = "at most", "at least"
GOALS: Mapping[str, tuple[str, float]] = {
    HEALTHY: (MOST, 0.02),
    "mean + 1 sigma": (LEAST, 0.65),
    "variance x2": (LEAST, 0.50),
    "ramp 0 to 2 sigma": (LEAST, 0.65),
    "stuck": (LEAST, 0.96),
    "Celsius to Fahrenheit": (LEAST, 0.90),
}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the product and two plain tests say to one live day."""

    drift: DriftTest
    stuck: bool
    unit: bool
    out_of_range: bool
    plain_ks: bool
    plain_psi: bool


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One window: every live day under every fault, and the canary's split of its reference."""

    series: str
    kind: str
    checks: Mapping[str, tuple[Checked, ...]]
    null: NullSplit | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault: the share of windows in which each test speaks on both days."""

    fault: str
    windows: int
    degraded: float
    interval: tuple[float, float]
    by_series: tuple[float, float]
    """The middle 95 % where series instead of windows are drawn anew: windows of one series are alike."""
    drift: float
    stuck: float
    unit: float
    plain_ks: float
    plain_psi: float
    out_of_range: float
    goal: str

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.fault not in GOALS:
            return None
        side, bound = GOALS[self.fault]
        return self.degraded <= bound if side == MOST else self.degraded >= bound


def try_window(window: DriftWindow, number: int, faults: Sequence[str]) -> Trial | None:
    """Fit a model to the reference and check the days after it; None where the product would make no model."""
    try:
        artifact = IsolationForestDetector().fit(window.reference, FitOptions())
    except UnmodellableSeriesError:
        return None
    reference = _reference(artifact)
    day = to_datetime(window.live[0].timestamps[0]).date()
    position = draw_split(number, day, fleet=1, most=1)
    return Trial(
        series=window.series,
        kind=window.kind,
        checks={
            fault: tuple(
                _check(window, artifact, reference, spoil(window, fault, each, seed=SEED)) for each in range(N_CHECKS)
            )
            for fault in faults
        },
        null=None if position is None else split_null(reference, [len(window.live[0])], position, DRIFT),
    )


def _reference(artifact: ModelArtifact) -> Reference:
    return Reference(
        values=artifact.arrays["reference_values"],
        scores=artifact.arrays["reference_scores"],
        interval_s=artifact.metadata["median_interval_s"],
    )


def _check(window: DriftWindow, artifact: ModelArtifact, reference: Reference, live: Readings) -> Checked:
    scored, _ = IsolationForestDetector().update(artifact, EMPTY_STATE, live)
    sample = LiveSample(values=live.values, scores=scored.scores, interval_s=live.median_interval_s())
    stuck, unit, out_of_range = _check_sensor(window.metric, artifact, live)
    return Checked(
        drift=compare_with_reference(reference, sample),
        stuck=stuck,
        unit=unit,
        out_of_range=out_of_range,
        plain_ks=bool(ks_2samp(window.reference.values, live.values, method="asymp").pvalue < PLAIN_P),
        plain_psi=population_stability(window.reference.values, live.values) > PLAIN_PSI,
    )


def _check_sensor(metric: str, artifact: ModelArtifact, live: Readings) -> tuple[bool, bool, bool]:
    known = artifact.metadata
    names = ("median_interval_s", "n_readings", "value_min", "value_max", "autocorrelation_time", "flat_run_p999")
    profile = TrainingProfile(
        quantiles=np.asarray(known["quantiles"]),
        # Here a day is so many readings, whatever their interval: what is usual is that of parts as long.
        usual_outside_share=largest_outside_share(artifact.arrays["reference_values"], len(live)),
        **{name: known[name] for name in names},
    )
    day = LiveWindow(start=to_datetime(live.timestamps[0]), end=to_datetime(live.timestamps[-1]), readings=live)
    out_of_range = check_out_of_range(day, profile, policy=HEALTH)
    checks = (
        check_flatline(day, profile, policy=HEALTH),
        check_unit_change(day, profile, out_of_range=out_of_range.verdict, metric=metric),
        out_of_range,
    )
    stuck, unit, outside = (check.verdict is Verdict.FAIL for check in checks)
    return stuck, unit, outside


def population_stability(reference: np.ndarray, live: np.ndarray) -> float:
    """The population stability index on the reference's deciles."""
    edges = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, PSI_BINS + 1)))[1:-1]
    shares = [
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=edges.size + 1) / sample.size + 1e-4
        for sample in (reference, live)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def find_drift(trials: Sequence[Trial], fault: str, policy: DriftPolicy = DRIFT) -> np.ndarray:
    """Which windows drift on each day, shape (windows, days): each alone among the healthy ones of all others."""
    found = np.zeros((len(trials), N_CHECKS), dtype=np.bool_)
    for day in range(N_CHECKS):
        healthy, spoilt = (
            np.array([trial.checks[kind][day].drift.p_value(policy) for trial in trials]) for kind in (HEALTHY, fault)
        )
        for place in range(len(trials)):
            fleet = healthy.copy()
            fleet[place] = spoilt[place]
            found[place, day] = benjamini_hochberg(fleet, policy.false_discovery_rate)[place]
    return found


def summarise(trials: Sequence[Trial], fault: str) -> Row:
    """A row of the table."""
    drift = find_drift(trials, fault)
    sensor = {
        name: np.array([[getattr(check, name) for check in trial.checks[fault]] for trial in trials])
        for name in ("stuck", "unit", "plain_ks", "plain_psi", "out_of_range")
    }
    called = (drift | sensor["stuck"] | sensor["unit"]).all(axis=1)
    degraded = float(called.mean())
    side, bound = GOALS.get(fault, ("", 0.0))
    return Row(
        fault=fault,
        windows=len(trials),
        degraded=degraded,
        interval=wilson_interval(degraded, len(trials)),
        by_series=_resample_series(called, [trial.series for trial in trials]),
        drift=float(drift.all(axis=1).mean()),
        goal=f"{side} {bound:.0%}" if side else "",
        **{name: float(found.all(axis=1).mean()) for name, found in sensor.items()},
    )


def _resample_series(called: np.ndarray, series: Sequence[str]) -> tuple[float, float]:
    names, place = np.unique(series, return_inverse=True)
    hits, counts = (np.bincount(place, weights=weights, minlength=names.size) for weights in (called, None))
    drawn = np.random.default_rng(SEED).integers(0, names.size, (RESAMPLES, names.size))
    low, high = np.quantile(hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def measure(windows: Sequence[DriftWindow], faults: Sequence[str] = tuple(FAULTS), *, workers: int = 1) -> list[Trial]:
    """Every window under every fault."""
    tried = Parallel(n_jobs=workers)(
        delayed(try_window)(window, number, faults) for number, window in enumerate(windows)
    )
    return [trial for trial in tried if trial is not None]


def as_table(rows: Sequence[Row], title: str) -> Table:
    """For people."""
    table = Table(title=title)
    for name in (
        "fault",
        "degraded",
        "95 %",
        "by series",
        "goal",
        "drift",
        "stuck",
        "unit",
        "range",
        "KS p < .05",
        "PSI > .25",
    ):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for row in rows:
        low, high = row.interval
        missed = "" if row.reached in (None, True) else " missed"
        figures = (row.drift, row.stuck, row.unit, row.out_of_range, row.plain_ks, row.plain_psi)
        table.add_row(
            row.fault,
            f"{row.degraded:.1%}",
            f"{low:.1%} to {high:.1%}",
            "{:.0%} to {:.0%}".format(*row.by_series),
            row.goal + missed,
            *(f"{figure:.0%}" for figure in figures),
        )
    return table


def as_document(trials: Sequence[Trial], rows: Sequence[Row], canary: NullCanary) -> dict[str, Any]:
    """For machines; the data are named by their counts only."""
    sources = sorted({trial.kind for trial in trials})
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "seed": SEED,
        "windows": {kind: sum(trial.kind == kind for trial in trials) for kind in sources},
        "series": len({trial.series for trial in trials}),
        "rows": [asdict(row) | {"reached": row.reached} for row in rows],
        "healthy_degraded_by_kind": _by_kind(trials),
        "canary": canary.to_json(),
    }


def _by_kind(trials: Sequence[Trial]) -> dict[str, float]:
    drift = find_drift(trials, HEALTHY).all(axis=1)
    kinds = np.array([trial.kind for trial in trials])
    return {str(kind): float(drift[kinds == kind].mean()) for kind in np.unique(kinds)}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help=f"Folder of telemetry; else {DATA_VARIABLE} names it.")
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Where the JSON goes.")
def main(data: Path | None, workers: int, output: Path) -> None:
    """Measure the degradation checks on real windows without a label; prints a table and writes a file."""
    trials = measure(cut_windows(find_data(data)), workers=workers)
    rows = [summarise(trials, fault) for fault in FAULTS]
    canary = count_null([trial.null for trial in trials if trial.null is not None], DRIFT)
    document = as_document(trials, rows, canary)
    write_results(output, document)
    console = Console(width=140)
    console.print(as_table(rows, f"{len(trials)} windows of {document['series']} series, two checks in a row"))
    console.print(
        f"null canary on their references: spoke on {canary.rate:.1%} of {canary.splits} "
        f"(nominal {canary.nominal:.0%}), would call {canary.degraded_rate:.1%} degraded"
    )


if __name__ == "__main__":
    main()
