"""How the thresholds of the drift test were chosen: `python -m benchmarks.quality.degradation_choice`.

Each configuration is judged by how many windows of each fault it finds while at most 2 % of the healthy ones are
called degraded. To see what choosing costs, it is repeated with each series left out in turn: the best configuration
on the others judges the one left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.quality.corpus import DATA_VARIABLE, find_data
from benchmarks.quality.degradation import DRIFT, GOALS, LEAST, MOST, Trial, find_drift, measure
from benchmarks.quality.drift_windows import HEALTHY, cut_windows
from benchmarks.results_file import RESULTS, write_results
from ml_core.domain.policies import DriftPolicy

OUTPUT = RESULTS / "degradation_choice.json"
GRID: Mapping[str, Sequence[float]] = {
    "usual_ratio": (1.25, 1.5, 2.0),
    "min_effect": (0.25, 0.5),
    "min_score_effect": (0.3, 0.4),
    "min_variability_effect": (0.1, 0.2, 0.3),
}
Found = Mapping[str, NDArray[np.bool_]]


def configurations() -> list[DriftPolicy]:
    """Every point of the grid."""
    return [replace(DRIFT, **dict(zip(GRID, values, strict=True))) for values in product(*GRID.values())]


def find_all(trials: Sequence[Trial], policy: DriftPolicy) -> Found:
    """Which windows are called degraded on both days, by fault."""
    sensor = {
        fault: np.array([[check.stuck or check.unit for check in trial.checks[fault]] for trial in trials])
        for fault in GOALS
    }
    return {fault: (find_drift(trials, fault, policy) | sensor[fault]).all(axis=1) for fault in GOALS}


def worth(found: Found, chosen: NDArray[np.bool_]) -> float:
    """The mean share found over the faults; nothing where too many healthy windows are called degraded."""
    healthy = float(found[HEALTHY][chosen].mean())
    if healthy > GOALS[HEALTHY][1]:
        return -healthy
    return float(np.mean([found[fault][chosen].mean() for fault, (side, _) in GOALS.items() if side == LEAST]))


def judge_left_out(trials: Sequence[Trial], tried: Sequence[Found]) -> tuple[Found, list[int]]:
    """What the configuration chosen on all other series says of each window, and which ones were chosen."""
    names = np.array([trial.series for trial in trials])
    found = {fault: np.zeros(names.size, dtype=np.bool_) for fault in GOALS}
    chosen = []
    for name in np.unique(names):
        others = names != name
        best = int(np.argmax([worth(each, others) for each in tried]))
        chosen.append(best)
        for fault in GOALS:
            found[fault][~others] = tried[best][fault][~others]
    return found, chosen


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help=f"Folder of telemetry; else {DATA_VARIABLE} names it.")
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Where the JSON goes.")
def main(data: Path | None, workers: int, output: Path) -> None:
    """Try every configuration, and cross-validate the choice over series; prints a table and writes a file."""
    trials = measure(cut_windows(find_data(data)), tuple(GOALS), workers=workers)
    policies = configurations()
    tried = [find_all(trials, policy) for policy in policies]
    everything = np.ones(len(trials), dtype=np.bool_)
    best = int(np.argmax([worth(found, everything) for found in tried]))
    left_out, chosen = judge_left_out(trials, tried)
    shown = {
        "settings' defaults": find_all(trials, DRIFT),
        "best of all, on what it was chosen on": tried[best],
        "chosen on the other series": left_out,
    }
    shares = {name: {fault: float(each.mean()) for fault, each in found.items()} for name, found in shown.items()}
    allowed = [found for found in tried if found[HEALTHY].mean() <= GOALS[HEALTHY][1]]
    document = {
        "configurations": len(policies),
        "within_the_healthy_goal": len(allowed),
        "best": {name: getattr(policies[best], name) for name in GRID},
        "chosen_with_a_series_left_out": len(set(chosen)),
        "shares": shares,
        "range_over_all": {
            fault: [min(float(f[fault].mean()) for f in tried), max(float(f[fault].mean()) for f in tried)]
            for fault in GOALS
        },
    }
    write_results(output, document)
    table = Table("", *(f"{fault}\n({side} {bound:.0%})" for fault, (side, bound) in GOALS.items()))
    for name, row in shares.items():
        table.add_row(name, *(f"{row[fault]:.1%}" for fault in GOALS))
    low_high = document["range_over_all"]
    table.add_row("worst to best of all", *(f"{low_high[f][0]:.0%} to {low_high[f][1]:.0%}" for f in GOALS))
    console = Console(width=150)
    console.print(f"{len(policies)} configurations, {len(allowed)} of them call {MOST} 2 % of healthy windows degraded")
    console.print(table)
    console.print(f"best: {document['best']}; {len(set(chosen))} different ones were chosen with a series left out")


if __name__ == "__main__":
    main()
