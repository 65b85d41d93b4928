"""Stretches without a label, each a reference and the live days after it, and faults put into the live days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.quality.corpus import load_groups
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings

N_REFERENCE = 1000
N_LIVE = 288
N_CHECKS = 2
GROUPS = ("nab", "skab", "ims")
SIMULATED = "artificial"
"""Series that somebody made up are no telemetry; their kind says so."""
HEALTHY = "healthy"
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DriftWindow:
    """A reference and the live days that follow it, none of which touches a label."""

    series: str
    kind: str
    metric: str
    start: int
    reference: Readings
    live: tuple[Readings, ...]


class Fault(Protocol):
    """What happens to a live day."""

    def __call__(self, values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
        """The day's values; `sd` is the reference's standard deviation, `day` counts from 0."""
        ...


def _keep(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    return values


def _shift(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    return values + sd


def _double_variance(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    """The day's own deviations times the root of two: its level stays."""
    centre = values.mean()
    return centre + np.sqrt(2.0) * (values - centre)


def _add_noise(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    """As much variance again as the reference has, as white noise."""
    return values + rng.normal(0.0, sd, values.size)


def _climb(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    """From 0 to 2 deviations over each day: the second day begins again at 0, which is the harder case."""
    return values + np.linspace(0.0, 2.0 * sd, values.size)


def _climb_and_stay(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    return values + (np.linspace(0.0, 2.0 * sd, values.size) if day == 0 else 2.0 * sd)


def _stick(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    return np.full(values.size, values[0])


def _to_fahrenheit(values: Values, sd: float, rng: np.random.Generator, *, day: int) -> Values:
    return 1.8 * values + 32.0


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        HEALTHY: _keep,
        "mean + 1 sigma": _shift,
        "variance x2": _double_variance,
        "variance x2 by noise": _add_noise,
        "ramp 0 to 2 sigma": _climb,
        "ramp, then held": _climb_and_stay,
        "stuck": _stick,
        "Celsius to Fahrenheit": _to_fahrenheit,
    }
)


def cut_windows(folder: Path) -> list[DriftWindow]:
    """All windows of the folder's real series, the next one a live day on from the last."""
    rows = pd.read_csv(folder / "series.csv").set_index("series_id")
    series = [
        metric
        for group in load_groups(folder)
        if group.name in GROUPS
        for unit in group.units
        for metric in unit.metrics
    ]
    return [
        window
        for each in series
        if SIMULATED not in rows.loc[each.name, "kind"]
        for window in _cut(each, str(rows.loc[each.name, "kind"]), str(rows.loc[each.name, "metric"]))
    ]


def _cut(series: LabelledSeries, kind: str, metric: str) -> Iterator[DriftWindow]:
    length = N_REFERENCE + N_CHECKS * N_LIVE
    labelled = [(series.n_training + window.first, series.n_training + window.last) for window in series.windows]
    for start in range(0, len(series.readings) - length + 1, N_LIVE):
        if any(first < start + length and last >= start for first, last in labelled):
            continue
        middle = start + N_REFERENCE
        yield DriftWindow(
            series=series.name,
            kind=kind,
            metric=metric,
            start=start,
            reference=_between(series.readings, start, middle),
            live=tuple(
                _between(series.readings, begin, begin + N_LIVE)
                for begin in range(middle, middle + N_CHECKS * N_LIVE, N_LIVE)
            ),
        )


def spoil(window: DriftWindow, fault: str, day: int, *, seed: int) -> Readings:
    """A live day of the window with that fault; the same seed gives the same day."""
    rng = np.random.default_rng([seed, window.start, day])
    live, sd = window.live[day], float(window.reference.values.std()) or 1.0
    return Readings(timestamps=live.timestamps, values=FAULTS[fault](live.values, sd, rng, day=day))


def _between(readings: Readings, first: int, end: int) -> Readings:
    return Readings(timestamps=readings.timestamps[first:end], values=readings.values[first:end])
