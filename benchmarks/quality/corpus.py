"""Labelled telemetry from a folder: `series.csv`, `labels.csv` and a `*.csv.gz` of readings a source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality.aggregation import aggregate
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings
from ml_core.errors import ConfigurationError

DATA_VARIABLE = "ML_HEALTH_EVALUATION_DATA"
DEFAULT_DATA = Path(__file__).parents[2].parent / "shared" / "data"
NO_ANOMALY = "artificialNoAnomaly"
AGGREGATED_STEP_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is judged as one: a series, or a device whose metrics are joined."""

    name: str
    metrics: Sequence[LabelledSeries]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Units whose figures stand in one table."""

    name: str
    title: str
    units: Sequence[Unit]


def find_data(told: Path | None) -> Path:
    """The folder of labelled telemetry: told, of the environment, or the one beside the checkout.

    Raises ConfigurationError that says what to do where there is none.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = told or (Path(named) if named else DEFAULT_DATA)
    if not (folder / "series.csv").is_file():
        raise ConfigurationError(
            f"no labelled telemetry in {folder}: give --data DIR, or set {DATA_VARIABLE}, to a folder with "
            f"series.csv, labels.csv and a SOURCE.csv.gz for each source"
        )
    return folder


def load_groups(folder: Path) -> list[Group]:
    """Every group that the folder has series for."""
    series = pd.read_csv(folder / "series.csv")
    events = pd.read_csv(folder / "labels.csv").query("type == 'window'")
    by_source = {
        source: _load_source(folder, str(source), rows, events) for source, rows in series.groupby("source", sort=False)
    }
    nab, skab, ims = (by_source.get(source, []) for source in ("nab", "skab", "ims"))
    quiet = {row.series_id for row in series.itertuples() if NO_ANOMALY in row.kind}
    groups = [
        Group(name="nab", title="NAB, a series each", units=_alone(nab)),
        Group(name="no-anomaly", title="Artificial, no anomaly", units=_alone(s for s in nab if s.name in quiet)),
        Group(name="skab", title="SKAB at 1 s, a device each", units=_by_device(skab)),
        Group(
            name="skab-10s",
            title="SKAB aggregated to 10 s, a device each",
            units=_by_device(aggregate(each, AGGREGATED_STEP_S) for each in skab),
        ),
        Group(name="ims", title="NASA/IMS bearings, a device each (smoke test)", units=_by_device(ims)),
    ]
    return [group for group in groups if group.units]


def _load_source(folder: Path, source: str, rows: pd.DataFrame, events: pd.DataFrame) -> list[LabelledSeries]:
    readings = pd.read_csv(folder / f"{source}.csv.gz", parse_dates=["timestamp"])
    values = dict(tuple(readings.groupby("series_id")))
    windows = {name: part[["start_idx", "end_idx"]].to_numpy() for name, part in events.groupby("series_id")}
    return [
        LabelledSeries.split(
            name=row.series_id,
            device=str(row.device),
            readings=Readings(
                timestamps=_ascend(values[row.series_id]["timestamp"].to_numpy("datetime64[us]")),
                values=values[row.series_id]["value"].to_numpy(np.float64),
            ),
            n_training=int(row.train_end),
            events=[(int(first), int(last)) for first, last in windows.get(row.series_id, ())],
        )
        for row in rows.itertuples()
    ]


def _ascend(stamps: np.ndarray) -> np.ndarray:
    """Equal instants a microsecond apart: labels count rows, so that none may be dropped."""
    places = np.arange(stamps.size).astype("timedelta64[us]")
    return np.maximum.accumulate(stamps - places) + places


def _alone(series: Iterable[LabelledSeries]) -> list[Unit]:
    return [Unit(name=each.name, metrics=[each]) for each in series]


def _by_device(series: Iterable[LabelledSeries]) -> list[Unit]:
    devices: dict[str, list[LabelledSeries]] = {}
    for each in series:
        devices.setdefault(each.device, []).append(each)
    return [Unit(name=device, metrics=metrics) for device, metrics in devices.items()]
