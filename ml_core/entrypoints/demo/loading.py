"""Readings from memory into the store, by the same way as an imported file's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from ml_core.bootstrap import Platform
from ml_core.domain.series import Readings, SeriesKey
from ml_core.ports.reading_store import ReadingBatch
from ml_core.services.importing import import_readings

SOURCE = "demo"


def load_readings(platform: Platform, readings: Mapping[SeriesKey, Readings], *, now: datetime) -> None:
    """Store readings; what is stored already stays as it is."""
    keys = sorted(key for key, own in readings.items() if len(own))
    if not keys:
        return
    lengths = [len(readings[key]) for key in keys]
    batch = ReadingBatch(
        keys=keys,
        series=np.repeat(np.arange(len(keys), dtype=np.int32), lengths),
        timestamps=np.concatenate([readings[key].timestamps for key in keys]),
        values=np.concatenate([readings[key].values for key in keys]),
        lines=np.arange(1, sum(lengths) + 1),
    )
    import_readings(
        [batch],
        store=platform.readings,
        source=SOURCE,
        now=now,
        lateness=timedelta(seconds=platform.settings.scoring.lateness_s),
    )
