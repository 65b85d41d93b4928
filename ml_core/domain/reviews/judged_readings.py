"""Readings that people spoke about, with what they said last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ml_core.domain.series import Readings, to_instant


def _nothing() -> Readings:
    return Readings.clean([], [])


@dataclass(frozen=True, kw_only=True)
class JudgedReadings:
    """Of one series: what is an anomaly for sure, and alarms that were none."""

    anomalies: Readings = field(default_factory=_nothing)
    """Alarms that were confirmed, and quiet readings that should have been alarms."""
    false_alarms: Readings = field(default_factory=_nothing)
    missed_stretches: tuple[tuple[datetime, datetime], ...] = ()
    """Begin and end of times in which something was missed; which of their readings it was, nobody said."""

    def without_anomalies(self, readings: Readings) -> Readings:
        """The readings that no person called an anomaly, nor a part of a stretch in which one was missed."""
        kept = ~np.isin(readings.timestamps, self.anomalies.timestamps)
        for begin, end in self.missed_stretches:
            kept &= ~((readings.timestamps >= to_instant(begin)) & (readings.timestamps < to_instant(end)))
        return Readings(timestamps=readings.timestamps[kept], values=readings.values[kept])
