"""A series as the platform knows it: its state of life, its health, and when it can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_core.domain.series import SeriesKey


class SeriesState(StrEnum):
    """Whether a series has a model, and if not, why."""

    COLLECTING = "collecting"
    MODELLED = "modelled"
    UNMODELLABLE = "unmodellable"
    CIRCUIT_OPEN = "circuit_open"


class Health(StrEnum):
    """The daily verdict; unknown is never shown as healthy. Muted is a flag beside it, not a verdict."""

    HEALTHY = "healthy"
    STALE = "stale"
    DEGRADED = "degraded"
    NO_DATA = "no_data"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class SeriesRecord:
    """One row of ml_health.series."""

    series_id: int
    key: SeriesKey
    state: SeriesState
    discovered_at: datetime
    state_reason: str | None = None
    newest_reading_at: datetime | None = None
    trainable_at: datetime | None = None
    training_failures: int = 0
    circuit_open_until: datetime | None = None
    health: Health = Health.UNKNOWN
    health_reasons: tuple[str, ...] = ()
    health_checked_at: datetime | None = None
    muted_until: datetime | None = None
    mute_reason: str | None = None
    adopted: bool = False
    """Whether the platform had a model of this series before; such series are trained first."""

    def is_muted(self, now: datetime) -> bool:
        """Whether findings of this series are kept from issues and hosts at `now`."""
        return self.muted_until is not None and self.muted_until > now


@dataclass(frozen=True, kw_only=True)
class SeriesExtent:
    """What telemetry holds of one series up to some moment."""

    key: SeriesKey
    first_at: datetime
    newest_at: datetime
    readings: int
