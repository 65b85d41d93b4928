"""A simulated fleet through thirty nights of the drift check: `python -m benchmarks.quality.fleet_drift`.

Healthy first-order autoregressions, half of them with a daily season, and the same fleet with one of twenty drifting
from a day on. The test, the control over the fleet, two checks in a row and the null canary are the product's, with
the settings' defaults; only the database is left out. A model's scores are those of its own isolation forest, grown
on its readings as training does, on fewer trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from benchmarks.machine import describe_machine
from benchmarks.results_file import RESULTS, write_results
from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.range_check import check_out_of_range
from ml_core.domain.checks.unit_change import check_unit_change
from ml_core.domain.checks.value_checks import check_flatline
from ml_core.domain.degradation.fleet_drift import CONSECUTIVE, TestedModel, assess_fleet
from ml_core.domain.degradation.model_drift import (
    DriftTest,
    LiveSample,
    Reference,
    choose_look,
    compare_with_reference,
    widen,
)
from ml_core.domain.degradation.null_canary import NullSplit, draw_split, split_null
from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.policies import DriftPolicy, HealthPolicy
from ml_core.domain.reviews.proportion import wilson_interval
from ml_core.domain.series import Readings, to_datetime
from ml_core.domain.training.training_profile import TrainingProfile

OUTPUT = RESULTS / "fleet_drift.json"
SEED = 20_250_301
POLICY, HEALTH = DriftPolicy(), HealthPolicy()
PHIS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
MOST_DRIFTING_PHI = 0.9
DRIFTING_SHARE, FOUND_WITHIN_DAYS = 0.05, 3
LEVEL, SPREAD, SEASON = 20.0, 2.0, 1.5
INTERVAL_S = 300
A_DAY = 86_400 // INTERVAL_S
START = datetime(2025, 3, 1, tzinfo=UTC)
TREES = 10
FAULTS = ("level shift", "ramp over a day", "variance x2", "stuck", "unit change")
LEAST_EFFECTIVE = 50.0
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How large the simulation is."""

    series: int = 2000
    training_days: int = 28
    days: int = 30
    drift_day: int = 10
    """Whole days before the drift begins, at noon."""
    draws: int = 5
    """How often other series are chosen to drift: one draw has too few of each fault to tell a share."""
    trees: int = TREES


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One simulated series."""

    number: int
    phi: float
    has_season: bool
    fault: str | None = None
    """What it drifts by from the day of drift on."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """What one night finds out about one series, before the fleet is looked at."""

    drift: DriftTest
    sensor: bool
    """Whether the sensor is told as stuck, or its unit as changed."""
    null: NullSplit | None


@dataclass(frozen=True, kw_only=True)
class Course:
    """A series and all its nights."""

    plan: Plan
    n_effective: float
    """Independent readings that a day is worth, as the reference tells."""
    nights: tuple[Night, ...]


@dataclass(frozen=True, kw_only=True)
class FleetDay:
    """Who is called degraded on a day."""

    drifting: NDArray[np.bool_]
    degraded: NDArray[np.bool_]
    spoke: NDArray[np.bool_]
    """Models whose own p-value was at most the nominal rate."""
    canary_splits: int
    canary_spoke: int
    canary_degraded: int
    is_loud: bool


def plan_fleet(layout: Layout, *, draw: int | None = None) -> list[Plan]:
    """Every memory with and without a season in equal shares; with a draw some drift, of the slower ones none."""
    plans = [
        Plan(number=number, phi=PHIS[number % len(PHIS)], has_season=number // len(PHIS) % 2 == 0)
        for number in range(layout.series)
    ]
    if draw is None:
        return plans
    able = [plan.number for plan in plans if plan.phi <= MOST_DRIFTING_PHI]
    chosen = np.random.default_rng([SEED, draw]).permutation(able)[: round(DRIFTING_SHARE * layout.series)]
    faults = {int(number): FAULTS[place % len(FAULTS)] for place, number in enumerate(chosen)}
    return [replace(plan, fault=faults.get(plan.number)) for plan in plans]


def simulate(plan: Plan, layout: Layout) -> Values:
    """Training days and the days after them."""
    rng = np.random.default_rng([SEED, plan.number])
    n = (layout.training_days + layout.days) * A_DAY
    noise = rng.normal(size=n + 2000)
    values = lfilter([1.0], [1.0, -plan.phi], noise)[2000:] * np.sqrt(1.0 - plan.phi**2)
    if plan.has_season:
        values = values + SEASON * np.sin(2.0 * np.pi * (np.arange(n) / A_DAY + rng.random()))
    values = LEVEL + SPREAD * values
    return values if plan.fault is None else _spoil(values, plan.fault, layout)


def _spoil(values: Values, fault: str, layout: Layout) -> Values:
    """Drift from noon of its day on: a night's check sees half a day of it first."""
    start = (layout.training_days + layout.drift_day) * A_DAY + A_DAY // 2
    before, after = values[:start], values[start:]
    sd = float(values[: layout.training_days * A_DAY].std())
    match fault:
        case "level shift":
            after = after + sd
        case "ramp over a day":
            after = after + 2.0 * sd * np.minimum(np.arange(after.size) / A_DAY, 1.0)
        case "variance x2":
            after = after.mean() + np.sqrt(2.0) * (after - after.mean())
        case "stuck":
            after = np.full(after.size, after[0])
        case "unit change":
            after = 1.8 * after + 32.0
        case _:
            raise ValueError(f"unknown fault {fault!r}")
    return np.concatenate([before, after])


def follow(plan: Plan, layout: Layout) -> Course:
    """Train on the first days and test every night after them, as the nightly tasks do."""
    values = simulate(plan, layout)
    stamps = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(values.size) * np.timedelta64(INTERVAL_S, "s")
    n_training = layout.training_days * A_DAY
    artifact = IsolationForestDetector().fit(
        Readings(timestamps=stamps[:n_training], values=values[:n_training]), FitOptions(n_estimators=layout.trees)
    )
    scores = FrozenReference.from_artifact(artifact).scores(values)
    known = Reference(
        values=artifact.arrays["reference_values"],
        scores=artifact.arrays["reference_scores"],
        interval_s=float(INTERVAL_S * artifact.metadata["reference_stride"]),
    )
    nights = []
    for day in range(1, layout.days + 1):
        end = n_training + day * A_DAY
        nights.append(_check(plan, layout, day, known, artifact, stamps[:end], values[:end], scores[:end]))
    a_day = A_DAY / artifact.metadata["reference_stride"]
    return Course(plan=plan, n_effective=a_day / known.memories(a_day)[0], nights=tuple(nights))


def _check(
    plan: Plan,
    layout: Layout,
    day: int,
    known: Reference,
    artifact: ModelArtifact,
    stamps: NDArray[np.datetime64],
    values: Values,
    scores: Values,
) -> Night:
    test, looks = _look(known, values, scores, hours=POLICY.live_hours), [POLICY.live_hours]
    if test.n_effective < POLICY.min_effective_readings:
        looks.append(
            widen(
                test.n_effective,
                least=POLICY.min_effective_readings,
                hours=POLICY.live_hours,
                most_hours=POLICY.widened_days * 24,
            )
        )
        test, _ = choose_look(test, _look(known, values, scores, hours=looks[-1]), POLICY)
    on = (START + timedelta(days=layout.training_days + day)).date()
    position = draw_split(plan.number, on, fleet=layout.series, most=POLICY.canary_models)
    lengths = [round(hours * 3600 / (known.interval_s or INTERVAL_S)) for hours in looks]
    return Night(
        drift=test,
        sensor=_sees_sensor_fault(artifact, Readings(timestamps=stamps[-A_DAY:], values=values[-A_DAY:])),
        null=None if position is None else split_null(known, lengths, position, POLICY),
    )


def _look(known: Reference, values: Values, scores: Values, *, hours: float) -> DriftTest:
    n = round(hours * 3600 / INTERVAL_S)
    live = LiveSample(values=values[-n:], scores=scores[-n:], interval_s=float(INTERVAL_S))
    return compare_with_reference(known, live)


def _sees_sensor_fault(artifact: ModelArtifact, live: Readings) -> bool:
    known = artifact.metadata
    profile = TrainingProfile(
        quantiles=np.asarray(known["quantiles"]),
        **{
            name: known[name]
            for name in (
                "median_interval_s",
                "n_readings",
                "value_min",
                "value_max",
                "usual_outside_share",
                "autocorrelation_time",
                "flat_run_p999",
            )
        },
    )
    day = LiveWindow(start=to_datetime(live.timestamps[0]), end=to_datetime(live.timestamps[-1]), readings=live)
    out_of_range = check_out_of_range(day, profile, policy=HEALTH)
    checks = (
        check_flatline(day, profile, policy=HEALTH),
        check_unit_change(day, profile, out_of_range=out_of_range.verdict, metric="temperature"),
    )
    return any(check.verdict is Verdict.FAIL for check in checks)


def run_days(courses: Sequence[Course], layout: Layout) -> list[FleetDay]:
    """The fleet's verdicts night by night: each hands on how often in a row it has seen drift."""
    before = [0] * len(courses)
    days = []
    for night in range(layout.days):
        models = [
            TestedModel(
                series_id=place,
                metric=f"metric {place % 20}",
                test=course.nights[night].drift,
                before=before[place],
                words="the last 24 h",
                null=course.nights[night].null,
            )
            for place, course in enumerate(courses)
        ]
        fleet = assess_fleet(models, policy=POLICY)
        verdicts = [fleet.results[place] for place in range(len(courses))]
        before = [int(verdict.evidence[CONSECUTIVE]) for verdict in verdicts]
        sensor = np.array([course.nights[night].sensor for course in courses])
        days.append(
            FleetDay(
                drifting=np.array([count > 0 for count in before]),
                degraded=np.array([verdict.verdict is Verdict.FAIL for verdict in verdicts]) | sensor,
                spoke=np.array([model.test.p_value(POLICY) <= POLICY.false_discovery_rate for model in models]),
                canary_splits=fleet.canary.splits,
                canary_spoke=fleet.canary.spoke,
                canary_degraded=fleet.canary.degraded,
                is_loud=fleet.canary.is_loud,
            )
        )
    return days


@dataclass(frozen=True, kw_only=True)
class HealthyFigures:
    """What thirty nights of a healthy fleet come to."""

    series: int
    days: int
    degraded_a_day: float
    worst_day: float
    first_signs_a_day: float
    spoke_a_day: float
    """Share of models whose own test spoke at the nominal rate: what the canary foretells."""
    canary_rate: float
    canary_degraded_a_day: float
    canary_ratio: float
    loud_days: int


@dataclass(frozen=True, kw_only=True)
class PowerRow:
    """How many of one fault were called degraded within the days allowed."""

    fault: str
    n_effective: str
    series: int
    found: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DriftFigures:
    """What the same fleet comes to where one of twenty drifts."""

    false_discovery_rate: float
    """Mean over the days after the drift of false calls among all calls."""
    worst_day: float
    healthy_degraded_a_day: float
    loud_days: int
    power: tuple[PowerRow, ...]


def summarise_healthy(days: Sequence[FleetDay]) -> HealthyFigures:
    """The realised rates, and the canary's beside them."""
    splits = sum(day.canary_splits for day in days)
    spoke = float(np.mean([day.spoke.mean() for day in days]))
    rate = sum(day.canary_spoke for day in days) / splits
    return HealthyFigures(
        series=days[0].degraded.size,
        days=len(days),
        degraded_a_day=float(np.mean([day.degraded.mean() for day in days])),
        worst_day=float(max(day.degraded.mean() for day in days)),
        first_signs_a_day=float(np.mean([day.drifting.mean() for day in days])),
        spoke_a_day=spoke,
        canary_rate=rate,
        canary_degraded_a_day=sum(day.canary_degraded for day in days) / splits,
        canary_ratio=rate / spoke if spoke else 0.0,
        loud_days=sum(day.is_loud for day in days),
    )


def summarise_drift(fleets: Sequence[Sequence[Course]], layout: Layout) -> DriftFigures:
    """False discoveries and power after the drift began, over all draws of who drifts."""
    shares, healthy, drifted, found, loud_days = [], [], [], [], 0
    for courses in fleets:
        is_true = np.array([course.plan.fault is not None for course in courses])
        days = run_days(courses, layout)
        after = [day.degraded for day in days[layout.drift_day :]]
        shares += [float((called & ~is_true).sum() / max(called.sum(), 1)) for called in after]
        healthy += [float(called[~is_true].mean()) for called in after]
        drifted += [course for course in courses if course.plan.fault is not None]
        found.append(np.any(after[:FOUND_WITHIN_DAYS], axis=0)[is_true])
        loud_days += sum(day.is_loud for day in days)
    return DriftFigures(
        false_discovery_rate=float(np.mean(shares)),
        worst_day=max(shares),
        healthy_degraded_a_day=float(np.mean(healthy)),
        loud_days=loud_days,
        power=tuple(_power_rows(drifted, np.concatenate(found))),
    )


def _power_rows(courses: Sequence[Course], found: NDArray[np.bool_]) -> list[PowerRow]:
    bins: Mapping[str, tuple[float, float]] = {
        "50 and more": (LEAST_EFFECTIVE, np.inf),
        "under 50": (0.0, LEAST_EFFECTIVE),
    }
    rows = []
    for fault in FAULTS:
        for words, (low, high) in bins.items():
            chosen = np.array([c.plan.fault == fault and low <= c.n_effective < high for c in courses])
            if chosen.any():
                share, n = float(found[chosen].mean()), int(chosen.sum())
                rows.append(
                    PowerRow(fault=fault, n_effective=words, series=n, found=share, interval=wilson_interval(share, n))
                )
    return rows


def follow_all(plans: Sequence[Plan], layout: Layout, *, workers: int = 1) -> list[Course]:
    """Every series on its own."""
    return list(Parallel(n_jobs=workers)(delayed(follow)(plan, layout) for plan in plans))


def measure(layout: Layout, *, workers: int = 1) -> tuple[HealthyFigures, DriftFigures]:
    """All fleets; what does not drift is the same series in each."""
    healthy = follow_all(plan_fleet(layout), layout, workers=workers)
    fleets = []
    for draw in range(layout.draws):
        plans = [plan for plan in plan_fleet(layout, draw=draw) if plan.fault is not None]
        drifted = {course.plan.number: course for course in follow_all(plans, layout, workers=workers)}
        fleets.append([drifted.get(course.plan.number, course) for course in healthy])
    return summarise_healthy(run_days(healthy, layout)), summarise_drift(fleets, layout)


def show(healthy: HealthyFigures, drift: DriftFigures, console: Console) -> None:
    """For people."""
    table = Table("figure", "measured", "goal", title=f"{healthy.series} healthy series, {healthy.days} nights")
    table.add_row("called degraded a day", f"{healthy.degraded_a_day:.3%}", "at most 1%")
    table.add_row("  on the worst day", f"{healthy.worst_day:.3%}", "")
    table.add_row("first signs a day", f"{healthy.first_signs_a_day:.3%}", "")
    table.add_row("models whose own test speaks (p <= .05)", f"{healthy.spoke_a_day:.2%}", "")
    table.add_row("null canary's rate", f"{healthy.canary_rate:.2%}", f"x {healthy.canary_ratio:.2f}, goal .5 to 2")
    table.add_row("canary: would be called degraded", f"{healthy.canary_degraded_a_day:.3%}", "")
    table.add_row("nights on which the canary was loud", str(healthy.loud_days), "")
    console.print(table)
    table = Table("fault", "readings a day worth", "series", "found within 3 days", "95 %", title="5 % drift on day 10")
    for row in drift.power:
        low, high = row.interval
        table.add_row(row.fault, row.n_effective, str(row.series), f"{row.found:.0%}", f"{low:.0%} to {high:.0%}")
    console.print(table)
    console.print(
        f"false discovery rate {drift.false_discovery_rate:.2%} (goal at most 10%), worst day {drift.worst_day:.2%}; "
        f"healthy called degraded {drift.healthy_degraded_a_day:.3%} a day; loud on {drift.loud_days} nights"
    )


def as_document(layout: Layout, healthy: HealthyFigures, drift: DriftFigures) -> dict[str, Any]:
    """For machines."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "seed": SEED,
        "layout": asdict(layout),
        "healthy": asdict(healthy),
        "drift": asdict(drift),
    }


@click.command()
@click.option("--series", type=click.IntRange(100), default=Layout.series, help="Simulated series.")
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Where the JSON goes.")
def main(series: int, workers: int, output: Path) -> None:
    """Simulate a healthy and a partly drifting fleet; prints two tables and writes a file."""
    layout = Layout(series=series)
    healthy, drift = measure(layout, workers=workers)
    write_results(output, as_document(layout, healthy, drift))
    show(healthy, drift, Console(width=120))


if __name__ == "__main__":
    main()
