"""A user's own readings as the demo's series."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml_core.adapters.readings.reading_files import FileOptions, read_readings
from ml_core.domain.series import Readings, SeriesKey, to_datetime
from ml_core.entrypoints.console import errors
from ml_core.entrypoints.demo.story import DemoSeries
from ml_core.errors import InvalidReadingsError


def read_file_story(path: Path, described: FileOptions) -> list[DemoSeries]:
    """Every series of a CSV or Parquet file, the longest first; rows that cannot be used are left out.

    Where neither a column nor a person names the device, the file does.
    """
    layout = described.layout
    options = described if layout.device else replace(described, layout=replace(layout, device=path.stem))
    parts: dict[SeriesKey, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    aside = 0
    for batch in read_readings(path, options):
        aside += len(batch.rejected)
        for position, key in enumerate(batch.keys):
            own = batch.series == position
            parts[key].append((batch.timestamps[own], batch.values[own]))
    if not parts:
        raise InvalidReadingsError(f"{path} holds no usable reading; `ml-health import --dry-run` says why")
    if aside:
        errors.print(f"{aside:,} rows are left out; `ml-health import --dry-run {path}` says why", soft_wrap=True)
    series = [_to_series(key, pieces) for key, pieces in parts.items()]
    return sorted(series, key=lambda one: -len(one.readings))


def _to_series(key: SeriesKey, pieces: list[tuple[np.ndarray, np.ndarray]]) -> DemoSeries:
    stamps, values = (np.concatenate(column) for column in zip(*pieces, strict=True))
    readings = Readings.clean(stamps, values)
    return DemoSeries(key=key, readings=readings, connected_at=to_datetime(readings.timestamps[0]))
