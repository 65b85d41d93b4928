"""How the fleet is, in figures: what `ml-health status` tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class FleetOverview:
    """One look at the fleet; None where nothing was measured."""

    series_by_state: Mapping[str, int]
    series_by_health: Mapping[str, int]
    """Of modelled series only."""
    devices: int
    muted: int
    oldest_active_trained_at: datetime | None
    next_trainable_at: datetime | None
    """When the next collecting series has enough readings."""
    newest_watermark: datetime | None
    readings_scored: int
    anomalies: int
    open_episodes: int
    latency_buckets: tuple[int, ...] | None
    expected_alarms: float | None
    """Readings scored times each model's target rate."""
    findings_by_severity: Mapping[str, int]
    top_findings: tuple[str, ...]
    open_incidents: int
    outbox_by_status: Mapping[str, int]
    latest_runs: Mapping[str, tuple[datetime, str]]
    """Slot and outcome of each task's newest run."""


class FleetReader(Protocol):
    """Reads over all tables."""

    def read(self, *, now: datetime) -> FleetOverview:
        """The fleet at `now`; scoring figures cover the 24 hours before."""
        ...
