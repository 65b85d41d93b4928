"""How often the machine, a sensor or nobody is blamed: `python -m benchmarks.quality.devices`.

SKAB's labelled events are changes of a machine with eight metrics; sensor faults are put into its stretches without
labels. Since those metrics hardly follow each other while the machine runs steadily, simulated devices of four metrics
with one common swing stand beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.quality.corpus import Unit, find_data, load_groups
from benchmarks.quality.simulated_device import ONSET, Fault, simulate
from benchmarks.results_file import RESULTS, write_results
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.devices.device_evidence import DeviceEvidence, Judgement
from ml_core.domain.devices.device_judgement import judge_device
from ml_core.domain.devices.metric_grid import MOST_AFTER
from ml_core.domain.policies import DevicePolicy
from ml_core.domain.series import Readings, to_datetime

POLICY = DevicePolicy()
OPTIONS = FitOptions(aggregate_below_s=0)
OUTPUT = RESULTS / "devices.json"
SEED = 20_250_301
PLACES = 3
"""Places of a fault in each metric of each device."""
FIRST_PLACE = 380
"""Readings before a fault, at least: fewer know nothing of what is usual."""
FAULT_SD = 5.0
STUCK_BEFORE = 12
SIMULATED = 200

Spoil = Callable[[dict[str, Readings], str, int, np.random.Generator], dict[str, Readings]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Judgements of one kind of case; `compared` are those with a metric that usually agrees."""

    data: str
    kind: str
    readings_after: int
    cases: int
    compared: int
    machine: int
    sensor: int
    unknown: int


def spoil_nothing(
    readings: dict[str, Readings], metric: str, place: int, rng: np.random.Generator
) -> dict[str, Readings]:
    """An alarm for nothing."""
    return readings


def shift_sensor(
    readings: dict[str, Readings], metric: str, place: int, rng: np.random.Generator
) -> dict[str, Readings]:
    """One metric goes elsewhere and stays."""
    values = readings[metric].values.copy()
    values[place:] += rng.choice([-1, 1]) * FAULT_SD * np.std(values[:place])
    return readings | {metric: Readings(timestamps=readings[metric].timestamps, values=values)}


def stick_sensor(
    readings: dict[str, Readings], metric: str, place: int, rng: np.random.Generator
) -> dict[str, Readings]:
    """One metric has stood still for a while when it is noticed."""
    values = readings[metric].values.copy()
    values[place - STUCK_BEFORE :] = values[place - STUCK_BEFORE]
    return readings | {metric: Readings(timestamps=readings[metric].timestamps, values=values)}


SPOILINGS: Mapping[str, Spoil] = {
    "nothing, label-free": spoil_nothing,
    "one metric shifted 5 sd, label-free": shift_sensor,
    "one metric stuck, label-free": stick_sensor,
}


def judge_events(units: list[Unit], after: int) -> Iterator[DeviceEvidence]:
    """One judgement a labelled event, of the metrics that the product's detector alarms of."""
    detector = AdaptiveDetector()
    for unit in units:
        firsts: dict[str, list[int]] = {}
        for series in unit.metrics:
            scored, _ = detector.update(detector.fit(series.training, OPTIONS), b"", series.scored)
            firsts[_metric(series.name)] = (np.flatnonzero(scored.is_anomaly) + series.n_training).tolist()
        training = unit.metrics[0].n_training
        for window in unit.metrics[0].windows:
            inside = {
                metric: min(hits)
                for metric, alarms in firsts.items()
                if (hits := [it for it in alarms if window.first <= it - training <= window.last])
            }
            if inside:
                yield judge_at(_readings(unit), inside, after)


def judge_spoilt(units: list[Unit], spoil: Spoil, after: int) -> Iterator[DeviceEvidence]:
    """One judgement a metric and place before the first event."""
    rng = np.random.default_rng(SEED)
    for unit in units:
        readings, windows = _readings(unit), unit.metrics[0].windows
        end = windows[0].first + unit.metrics[0].n_training if windows else len(unit.metrics[0].readings)
        for metric in readings:
            for place in rng.integers(FIRST_PLACE, end - MOST_AFTER - 1, size=PLACES).tolist():
                yield judge_at(spoil(readings, metric, place, rng), {metric: place}, after)


def judge_simulated(fault: Fault, after: int) -> Iterator[DeviceEvidence]:
    """One judgement a simulated device."""
    for seed in range(SIMULATED):
        yield judge_device(simulate(fault, seed=seed, after=after), alarms={"m0": ONSET}, policy=POLICY)


def judge_at(readings: Mapping[str, Readings], alarms: Mapping[str, int], after: int) -> DeviceEvidence:
    """The judgement as it would have been `after` readings after the first alarm."""
    end = min(alarms.values()) + after + 1
    known = {
        metric: Readings(timestamps=it.timestamps[:end], values=it.values[:end]) for metric, it in readings.items()
    }
    stamps = {metric: to_datetime(readings[metric].timestamps[at]) for metric, at in alarms.items() if at < end}
    return judge_device(known, alarms=stamps, policy=POLICY)


def tabulate(units: list[Unit]) -> list[Row]:
    """Every kind of case, judged at the opening and once it is settled."""
    rows = []
    for after in (0, MOST_AFTER):
        rows.append(_row("SKAB", "labelled event: the machine changed", after, judge_events(units, after)))
        rows += [_row("SKAB", kind, after, judge_spoilt(units, spoil, after)) for kind, spoil in SPOILINGS.items()]
        faults: tuple[Fault, ...] = ("machine", "shift", "ramp", "stuck", "restless", "none")
        rows += [_row("simulated", fault, after, judge_simulated(fault, after)) for fault in faults]
    return rows


def _row(data: str, kind: str, after: int, found: Iterator[DeviceEvidence]) -> Row:
    judged = list(found)
    counts = Counter(evidence.judgement for evidence in judged)
    return Row(
        data=data,
        kind=kind,
        readings_after=after,
        cases=len(judged),
        compared=sum(bool(evidence.agreeing) for evidence in judged),
        machine=counts[Judgement.MACHINE],
        sensor=counts[Judgement.SENSOR],
        unknown=counts[Judgement.UNKNOWN],
    )


def _readings(unit: Unit) -> dict[str, Readings]:
    return {_metric(series.name): series.readings for series in unit.metrics}


def _metric(name: str) -> str:
    return name.rpartition("_")[2]


def show(rows: list[Row]) -> None:
    """Print them."""
    names = ("data", "kind", "readings_after", "cases", "compared", "machine", "sensor", "unknown")
    table = Table(*(name.replace("_", " ") for name in names), title="Machine or sensor")
    for row in rows:
        table.add_row(*(str(getattr(row, name)) for name in names))
    Console().print(table)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of labelled telemetry.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Where the JSON goes.")
def main(data: Path | None, output: Path) -> None:
    """Judge events and faults whose cause is known; prints a table and writes a file."""
    groups = {group.name: group for group in load_groups(find_data(data))}
    rows = tabulate(list(groups["skab"].units)) if "skab" in groups else []
    document = {"machine": describe_machine(), "rows": [asdict(row) for row in rows]}
    write_results(output, document)
    show(rows)


if __name__ == "__main__":
    main()
