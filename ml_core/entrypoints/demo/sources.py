"""Real measured series, carried by the river package, re-timed to end now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from ml_core.domain.series import Readings, to_instant
from ml_core.errors import ConfigurationError

OCCUPANCY_METRICS: Mapping[str, str] = {"V1": "temperature", "V2": "humidity", "V3": "light", "V4": "co2"}


FLOW_ROWS = slice(111, 1001)
"""In this part a real leak and a real gap lie in the last nine days; later the file is full of gaps."""


def load_water_flow(end: datetime) -> Readings:
    """Hourly flow of a real pipeline branch in litres per second (37 days, with real leaks and gaps)."""
    frame = pd.read_csv(_river_file("datasets/water-flow.csv")).iloc[FLOW_ROWS]
    return _end_at(Readings.clean(_stamps(frame["Time"]), frame.iloc[:, 1].to_numpy(np.float64)), end)


def load_occupancy(end: datetime) -> dict[str, Readings]:
    """Four sensors of a real room every 16 minutes (under six days), by metric."""
    frame = pd.read_csv(_river_file("drift/datasets/occupancy.csv"))
    stamps = _stamps(frame["time"])
    return {
        metric: _end_at(Readings.clean(stamps, frame[column].to_numpy(np.float64)), end)
        for column, metric in OCCUPANCY_METRICS.items()
    }


def _river_file(path: str) -> Path:
    spec = find_spec("river")
    if spec is None or spec.origin is None:
        raise ConfigurationError("the demo's series come with the package river: pip install 'iiot-ml-health[demo]'")
    return Path(spec.origin).parent / path


def _stamps(column: pd.Series[str]) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]")


def _end_at(readings: Readings, end: datetime) -> Readings:
    shift = to_instant(end) - readings.timestamps[-1]
    return Readings(timestamps=readings.timestamps + shift, values=readings.values)
