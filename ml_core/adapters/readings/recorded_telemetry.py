"""Readings that were recorded before, told again as a clock goes on: nothing is known before its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.series import Readings, SeriesKey, to_datetime, to_instant
from ml_core.domain.series_record import SeriesExtent
from ml_core.ports.telemetry import TelemetrySurvey, Window


class RecordedTelemetry:
    """A telemetry source on files of a folder; whatever is asked for, nothing after `now` is answered."""

    def __init__(self, folder: Path, *, now: datetime) -> None:
        self.now = now
        self._folder = folder
        self._readings: dict[SeriesKey, Readings] = {}

    def record(self, batch: Mapping[SeriesKey, Readings]) -> None:
        """Keep the readings of some series on disk, so that a large fleet needs no memory for them."""
        number = len(self._readings)
        timestamps = self._map(f"{number}.timestamps.npy", [readings.timestamps for readings in batch.values()])
        values = self._map(f"{number}.values.npy", [readings.values for readings in batch.values()])
        end = 0
        for key, readings in batch.items():
            start, end = end, end + len(readings)
            self._readings[key] = Readings(
                timestamps=timestamps[start:end], values=values[start:end], dropped_at=readings.dropped_at
            )

    def _map(self, name: str, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        np.save(self._folder / name, np.concatenate(columns))
        # An empty file cannot be mapped.
        is_empty = not any(len(column) for column in columns)
        loaded: NDArray[Any] = np.load(self._folder / name, mmap_mode=None if is_empty else "r")
        return loaded

    def survey(self, *, until: datetime) -> TelemetrySurvey:
        """Every series with readings up to `until`, as far as that has come."""
        extents = [
            SeriesExtent(
                key=key,
                first_at=to_datetime(known.timestamps[0]),
                newest_at=to_datetime(known.timestamps[-1]),
                readings=len(known),
            )
            for key, readings in self._readings.items()
            if len(known := readings.between(None, min(until, self.now)))
        ]
        return TelemetrySurvey(extents=extents, unusable_rows=0, refused_names=0, refused_rows=0)

    def list_extents(self, *, until: datetime) -> list[SeriesExtent]:
        """Every series that has readings up to `until`, with its first, newest and count."""
        return list(self.survey(until=until).extents)

    def fetch(self, windows: Sequence[Window]) -> Mapping[SeriesKey, Readings]:
        """The readings of each window up to now; every asked key is answered, if with nothing."""
        parts: dict[SeriesKey, list[Readings]] = {}
        for window in windows:
            parts.setdefault(window.key, []).append(self._cut(window))
        return {key: own[0] if len(own) == 1 else _join(own) for key, own in parts.items()}

    def _cut(self, window: Window) -> Readings:
        held, until = self._readings.get(window.key), min(window.until, self.now)
        if held is None:
            return Readings.clean([], [])
        known = held.between(window.after, until)
        dropped = held.dropped_at <= to_instant(until)
        if window.after is not None:
            dropped &= held.dropped_at > to_instant(window.after)
        return Readings(
            timestamps=np.array(known.timestamps),
            values=np.array(known.values),
            dropped=int(dropped.sum()),
            dropped_at=held.dropped_at[dropped],
        )


def _join(parts: Sequence[Readings]) -> Readings:
    """Several windows of one series, as one asks for them at once."""
    return Readings.clean(
        np.concatenate([part.timestamps for part in parts]), np.concatenate([part.values for part in parts])
    )
