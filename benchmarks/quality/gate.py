"""How many healthy and how many faulty weeks the gate lets through: `python -m benchmarks.quality.gate`.

A champion learns from a window without labels; the week after it, as it is or spoilt, ends what its challenger learns
from. Detector, training, gold window and gate are the product's, with the settings' defaults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from joblib import Parallel, delayed
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.quality.corpus import find_data, load_groups
from benchmarks.quality.gate_faults import HEALTHY, SPOILINGS, spoil
from benchmarks.quality.gate_segments import Layout, Segment, cut_segments
from benchmarks.results_file import write_results
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.questions import GateCase, examine
from ml_core.domain.policies import GatePolicy, TrainingPolicy
from ml_core.domain.reviews.proportion import wilson_interval
from ml_core.domain.series import Readings
from ml_core.domain.training.training_window import choose_gold, leave_out
from ml_core.errors import InsufficientDataError, UnmodellableSeriesError

TRAINING, GATE, OPTIONS = TrainingPolicy(), GatePolicy(), FitOptions()
NO_MODEL = "G0 no model of it"
LEAST_HEALTHY, MOST_FAULTY = 0.75, 0.15
RESAMPLES = 2000
SEED = 20_250_301


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the gate said to one week."""

    series: str
    kind: str
    accepted: bool
    refused_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of week over all segments."""

    kind: str
    weeks: int
    accepted: float
    low: float
    high: float
    """Wilson's interval at 95 %, as if weeks were independent."""
    low_by_series: float
    high_by_series: float
    """The middle 95 % where series, not weeks, are drawn anew: weeks of one series resemble each other."""
    refused_by: dict[str, int]


def ask_gate(segment: Segment, size: float, seed: int) -> list[Answer]:
    """The gate's answers to the week of one segment and to each way of spoiling it; none where no champion is."""
    detector = detector_of_kind(TRAINING.kind)
    try:
        champion = Contender(detector=detector, artifact=detector.fit(segment.champion, OPTIONS))
    except (UnmodellableSeriesError, InsufficientDataError):
        return []
    gold = choose_gold(segment.champion, champion.score(segment.champion), GATE.gold_readings)
    deviation = float(segment.champion.values.std())
    answers = []
    for kind in (HEALTHY, *SPOILINGS):
        week = spoil(segment.week, kind, deviation=deviation, size=size, seed=seed)
        answers.append(_judge(segment, kind, champion, gold, week))
    return answers


def _judge(segment: Segment, kind: str, champion: Contender, gold: Readings, week: Readings) -> Answer:
    window = segment.window_ending_with(week)
    learned = leave_out(window, champion.severities(window), TRAINING.max_learned_severity)
    try:
        challenger = Contender(detector=champion.detector, artifact=champion.detector.fit(learned, OPTIONS))
    except (UnmodellableSeriesError, InsufficientDataError):
        return Answer(series=segment.series, kind=kind, accepted=False, refused_by=(NO_MODEL,))
    case = GateCase(
        challenger=challenger,
        reloaded=challenger,
        training=learned,
        fresh=week,
        target_alarm_rate=OPTIONS.target_alarm_rate,
        min_readings=OPTIONS.min_readings,
        gold=gold,
        champion=champion,
        champion_flat_run=champion.artifact.metadata["flat_run_max"],
    )
    report = examine(case, GATE)
    refused = tuple(check.name for check in report.checks if not check.passed)
    return Answer(series=segment.series, kind=kind, accepted=report.passed, refused_by=refused)


def tabulate(answers: Sequence[Answer]) -> list[Row]:
    """A row a kind, the healthy one first."""
    return [_summarise(kind, [a for a in answers if a.kind == kind]) for kind in (HEALTHY, *SPOILINGS)]


def _summarise(kind: str, answers: Sequence[Answer]) -> Row:
    share = float(np.mean([answer.accepted for answer in answers]))
    low, high = wilson_interval(share, len(answers))
    low_by_series, high_by_series = _draw_series(answers)
    return Row(
        kind=kind,
        weeks=len(answers),
        accepted=share,
        low=low,
        high=high,
        low_by_series=low_by_series,
        high_by_series=high_by_series,
        refused_by=dict(Counter(name for answer in answers for name in answer.refused_by).most_common()),
    )


def _draw_series(answers: Sequence[Answer]) -> tuple[float, float]:
    names = sorted({answer.series for answer in answers})
    weeks = np.array([sum(a.series == name for a in answers) for name in names])
    accepted = np.array([sum(a.accepted for a in answers if a.series == name) for name in names])
    drawn = np.random.default_rng(SEED).integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.quantile(accepted[drawn].sum(axis=1) / weeks[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def show(rows: Sequence[Row], series: int) -> None:
    """The table for people, with what is asked of the gate."""
    table = Table(title=f"Weeks let through by the gate, of {rows[0].weeks} segments of {series} series")
    for heading in (
        "week",
        "accepted %",
        "95 % (Wilson)",
        "95 % by series",
        "goal",
        "refused by (a week may have several)",
    ):
        table.add_column(heading, justify="left" if heading.startswith(("week", "refused")) else "right")
    for row in rows:
        goal = f">= {LEAST_HEALTHY:.0%}" if row.kind == HEALTHY else f"<= {MOST_FAULTY:.0%}"
        table.add_row(
            row.kind,
            f"{100 * row.accepted:.1f}",
            f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            f"{100 * row.low_by_series:.1f} to {100 * row.high_by_series:.1f}",
            goal,
            ", ".join(f"{name} {count}" for name, count in row.refused_by.items()),
        )
    Console(width=170).print(table)


def meets_goals(rows: Sequence[Row]) -> bool:
    """Whether healthy weeks pass often enough and each faulty kind seldom enough."""
    return all(row.accepted >= LEAST_HEALTHY if row.kind == HEALTHY else row.accepted <= MOST_FAULTY for row in rows)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of labelled telemetry.")
@click.option("--window", default=1008, show_default=True, help="Readings a window: a week at ten minutes.")
@click.option("--week", type=int, help="Readings of it that are new; default: all, each week learned by itself.")
@click.option("--stride", default=64, show_default=True, help="Readings between the starts of two segments.")
@click.option("--per-series", default=24, show_default=True, help="Segments of one series, at most.")
@click.option("--size", default=1.0, show_default=True, help="Shifts in standard deviations; a ramp ends at twice.")
@click.option("--jobs", default=1, show_default=True, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the figures are written as JSON.")
def main(
    data: Path | None,
    window: int,
    week: int | None,
    stride: int,
    per_series: int,
    size: float,
    jobs: int,
    out: Path | None,
) -> None:
    """Measure the gate; exit code 1 where a goal is missed."""
    layout = Layout(window=window, week=week or window, stride=stride, per_series=per_series)
    segments = cut_segments(load_groups(find_data(data)), layout)
    asked = Parallel(n_jobs=jobs)(delayed(ask_gate)(segment, size, seed) for seed, segment in enumerate(segments))
    answers = [answer for each in asked for answer in each]
    rows = tabulate(answers)
    show(rows, len({answer.series for answer in answers}))
    if out is not None:
        write_results(out, _describe(rows, layout, size))
    raise SystemExit(0 if meets_goals(rows) else 1)


def _describe(rows: Sequence[Row], layout: Layout, size: float) -> dict[str, Any]:
    return {
        "layout": asdict(layout),
        "size_in_deviations": size,
        "gate": asdict(GATE),
        "rows": [asdict(row) for row in rows],
        "machine": describe_machine(),
    }


if __name__ == "__main__":
    main()
