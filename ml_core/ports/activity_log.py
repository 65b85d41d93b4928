"""What scoring has done lately, for health checks and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Sums of one series' hourly rollups over a time range."""

    scored: int = 0
    anomalies: int = 0
    episodes: int = 0
    out_of_range: int = 0
    calls: int = 0
    latency_p95_ms: float | None = None
    """Upper bound of the bucket that holds the 95th percentile; None where nothing was called."""
    watermark: datetime | None = None


class ActivityLog(Protocol):
    """Reads of ml_health.activity_hourly."""

    def read_activity(self, series_ids: Sequence[int], *, after: datetime, until: datetime) -> Mapping[int, Activity]:
        """Sums over rollup hours with after < hour <= until; every asked series is answered."""
        ...
