"""Readings that people spoke about, with what they said last."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml_core.domain.series import Readings


def _nothing() -> Readings:
    return Readings.clean([], [])


@dataclass(frozen=True, kw_only=True)
class JudgedReadings:
    """Of one series: what is an anomaly for sure, and alarms that were none."""

    anomalies: Readings = field(default_factory=_nothing)
    """Alarms that were confirmed, and quiet readings that should have been alarms."""
    false_alarms: Readings = field(default_factory=_nothing)

    def without_anomalies(self, readings: Readings) -> Readings:
        """The readings that no person called an anomaly."""
        kept = ~np.isin(readings.timestamps, self.anomalies.timestamps)
        return Readings(timestamps=readings.timestamps[kept], values=readings.values[kept])
