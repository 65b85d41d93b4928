"""How much of the adaptive detector's score survives its choosing: `python -m benchmarks.quality.choosing`.

Features and threshold are chosen on four fifths of the series and judged on the last fifth, five times over. The
difference to the score on the series that they were chosen on is what tuning pretends.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.quality.corpus import DATA_VARIABLE, find_data, load_groups
from benchmarks.results_file import RESULTS, write_results
from ml_core.domain.detectors.adaptive.fleet import advance_fleet
from ml_core.domain.detectors.adaptive.layout import FEATURES, N_FEATURES, ONSET, STATE
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import LEAST_READINGS, FitOptions
from ml_core.domain.evaluation.labelled_scores import LabelledScores
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.evaluation.nab_score import score_alarms
from ml_core.domain.evaluation.protocol import AlarmTally, tally_alarms
from ml_core.errors import ConfigurationError, MLHealthError

FOLDS = 5
SHUFFLES = 20
MAX_FALSE_ALARMS = 0.4
"""Per 1,000 normal readings: the default budget. Among choices within it the one of most skill is taken."""
THRESHOLDS = tuple(round(0.9 + 0.05 * i, 2) for i in range(17))
DEFAULT = ("all", 1.3)


def _without(*starts: str) -> NDArray[np.int64]:
    return np.array([j for j, name in enumerate(FEATURES) if not name.startswith(starts)])


SUBSETS: Mapping[str, NDArray[np.int64]] = {
    "all": _without("-"),
    "no level": _without("level"),
    "no innovation": _without("innovation"),
    "no season": _without("season"),
    "no shifts": _without("shift"),
    "no spreads": _without("spread"),
    "no span of 6": np.array([j for j, name in enumerate(FEATURES) if not name.endswith("_6")]),
    "no span of 48": np.array([j for j, name in enumerate(FEATURES) if not name.endswith("_48")]),
    "no span of 150": np.array([j for j, name in enumerate(FEATURES) if not name.endswith("_150")]),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One configuration on one series."""

    tally: AlarmTally
    scores: LabelledScores


Grid = Mapping[tuple[str, float], Sequence[Outcome]]


def trace(series: LabelledSeries) -> NDArray[np.float64]:
    """Evidence of each feature for each scored reading, shape (n, N_FEATURES); zeros where nothing can be learned."""
    options = FitOptions(min_readings=LEAST_READINGS)
    try:
        artifact = AdaptiveDetector().fit(series.training, options)
    except MLHealthError:
        return np.zeros((len(series.scored), N_FEATURES))
    state = np.frombuffer(artifact.arrays["first_state"].tobytes(), dtype=STATE).copy()
    scored = series.scored
    return advance_fleet(state, [len(scored)], scored.timestamps, scored.values).evidence


def onsets_of(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each score is the highest of the latest ONSET, itself included."""
    padded = np.concatenate([np.zeros(ONSET - 1), scores])
    before = np.lib.stride_tricks.sliding_window_view(padded, ONSET)[:, :-1].max(axis=1)
    onsets: NDArray[np.bool_] = scores > before
    return onsets


def lay_grid(series: Sequence[LabelledSeries]) -> Grid:
    """Every configuration on every series."""
    evidence = [trace(each) for each in series]
    grid: dict[tuple[str, float], list[Outcome]] = {}
    for name, columns in SUBSETS.items():
        scores = [each[:, columns].sum(axis=1) / columns.size for each in evidence]
        onsets = [onsets_of(each) for each in scores]
        for threshold in THRESHOLDS:
            grid[name, threshold] = [
                _judge(labelled, score, onset & (score >= threshold))
                for labelled, score, onset in zip(series, scores, onsets, strict=True)
            ]
    return grid


def _judge(series: LabelledSeries, scores: NDArray[np.float64], alarms: NDArray[np.bool_]) -> Outcome:
    labelled = LabelledScores(
        name=series.name,
        scores=scores,
        alarms=alarms,
        windows=series.windows,
        step_s=series.step_s,
        buffer=series.buffer,
    )
    return Outcome(tally=tally_alarms(labelled), scores=labelled)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Skill, false alarms per 1,000 normal readings and NAB score of some outcomes."""

    skill: float
    false_alarms: float
    nab: float

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Figures:
        """Pooled over series."""
        tallies = [outcome.tally for outcome in outcomes]
        events = sum(tally.events for tally in tallies)
        return cls(
            skill=sum(tally.detected - tally.chance for tally in tallies) / max(events, 1),
            false_alarms=1000 * sum(t.false_alarms for t in tallies) / sum(t.normal_points for t in tallies),
            nab=score_alarms([outcome.scores for outcome in outcomes]) if events else 0.0,
        )


def choose(grid: Grid, among: NDArray[np.int64]) -> tuple[str, float]:
    """The configuration of most skill within the budget on these series; the quietest where none keeps to it."""

    def worth(key: tuple[str, float]) -> tuple[bool, float]:
        figures = Figures.of([grid[key][i] for i in among])
        kept = figures.false_alarms <= MAX_FALSE_ALARMS
        return kept, figures.skill if kept else -figures.false_alarms

    return max(grid, key=worth)


def cross_validate(grid: Grid, n_series: int, seed: int) -> tuple[Figures, list[tuple[str, float]]]:
    """Figures of each series under the configuration that the other folds chose, and the choices."""
    order = np.random.default_rng(seed).permutation(n_series)
    judged: list[Outcome] = []
    choices = []
    for fold in np.array_split(order, FOLDS):
        chosen = choose(grid, np.setdiff1d(order, fold))
        choices.append(chosen)
        judged += [grid[chosen][i] for i in fold]
    return Figures.of(judged), choices


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help=f"Folder of telemetry; else {DATA_VARIABLE} names it.")
def main(data: Path | None) -> None:
    """Print what is chosen, what it scores where it was chosen, and what on series left out."""
    nab = next(group for group in load_groups(find_data(data)) if group.name == "nab")
    series = [unit.metrics[0] for unit in nab.units]
    grid = lay_grid(series)
    everywhere = np.arange(len(series))
    best = choose(grid, everywhere)
    runs = [cross_validate(grid, len(series), seed) for seed in range(SHUFFLES)]
    held_out = [figures for figures, _ in runs]
    rows = {
        f"default: {DEFAULT[0]}, {DEFAULT[1]}": Figures.of(grid[DEFAULT]),
        f"best where chosen: {best[0]}, {best[1]}": Figures.of(grid[best]),
        f"chosen on four fifths, judged on the last (mean of {SHUFFLES} shuffles)": Figures(
            skill=float(np.mean([each.skill for each in held_out])),
            false_alarms=float(np.mean([each.false_alarms for each in held_out])),
            nab=float(np.mean([each.nab for each in held_out])),
        ),
    }
    _show(rows, len(grid))
    counted = [choice for _, choices in runs for choice in choices]
    popular = {f"{name}, {t}": counted.count((name, t)) for name, t in sorted(set(counted))}
    document = {"configurations": len(grid), "rows": {k: vars(v) for k, v in rows.items()}, "choices": popular}
    write_results(RESULTS / "choosing.json", document)


def _show(rows: Mapping[str, Figures], n: int) -> None:
    table = Table(title=f"{n} configurations of features and threshold, {FOLDS} folds over series")
    for heading in ("", "skill", "false alarms per 1,000", "NAB"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for name, figures in rows.items():
        table.add_row(name, f"{figures.skill:.3f}", f"{figures.false_alarms:.2f}", f"{figures.nab:.1f}")
    Console().print(table)


if __name__ == "__main__":
    try:
        main(standalone_mode=True)
    except ConfigurationError as exc:
        sys.exit(f"choosing: {exc}")
