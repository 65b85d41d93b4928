"""A series as the platform knows it: its state of life, its health, and when it can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_core.domain.series import SeriesKey
from ml_core.domain.state_machine import StateMachine, Step


class SeriesState(StrEnum):
    """Whether a series has a model, and if not, why."""

    COLLECTING = "collecting"
    MODELLED = "modelled"
    UNMODELLABLE = "unmodellable"
    CIRCUIT_OPEN = "circuit_open"


def _step(source: SeriesState, target: SeriesState, when: str) -> Step[SeriesState]:
    return Step(source=source, target=target, when=when)


SERIES_LIFE = StateMachine(
    subject="a series",
    initial=SeriesState.COLLECTING,
    steps=(
        _step(SeriesState.COLLECTING, SeriesState.COLLECTING, "a new estimate, or a training failed"),
        _step(SeriesState.COLLECTING, SeriesState.MODELLED, "its first model serves"),
        _step(SeriesState.COLLECTING, SeriesState.UNMODELLABLE, "too few distinct values"),
        _step(SeriesState.COLLECTING, SeriesState.CIRCUIT_OPEN, "trainings failed in a row"),
        _step(SeriesState.UNMODELLABLE, SeriesState.UNMODELLABLE, "looked at again, still so"),
        _step(
            SeriesState.UNMODELLABLE, SeriesState.COLLECTING, "the window holds too little now, or a training failed"
        ),
        _step(SeriesState.UNMODELLABLE, SeriesState.MODELLED, "looked at again, its first model serves"),
        _step(SeriesState.UNMODELLABLE, SeriesState.CIRCUIT_OPEN, "trainings failed in a row"),
        _step(SeriesState.CIRCUIT_OPEN, SeriesState.CIRCUIT_OPEN, "failed again after its rest"),
        _step(SeriesState.CIRCUIT_OPEN, SeriesState.COLLECTING, "rested, the window holds too little now"),
        _step(SeriesState.CIRCUIT_OPEN, SeriesState.MODELLED, "rested, its first model serves"),
        _step(SeriesState.CIRCUIT_OPEN, SeriesState.UNMODELLABLE, "rested, too few distinct values"),
        _step(SeriesState.MODELLED, SeriesState.MODELLED, "another version serves, or a retraining failed"),
    ),
)
"""The steps that a series may take; a series that has had a model stays modelled, whatever fails later."""


class Health(StrEnum):
    """How a series is shown; unknown is never shown as healthy. Muted is shown over a verdict, never stored as one."""

    HEALTHY = "healthy"
    STALE = "stale"
    DEGRADED = "degraded"
    NO_DATA = "no_data"
    BROKEN = "broken"
    MUTED = "muted"
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

    @property
    def short_name(self) -> str:
        """Its number in the form in which a series may be asked for, never that of another one."""
        return f"@{self.series_id}"

    def is_muted(self, now: datetime) -> bool:
        """Whether findings of this series are kept from issues and hosts at `now`."""
        return self.muted_until is not None and self.muted_until > now

    def shown_health(self, now: datetime) -> Health:
        """The last verdict, or muted while a person keeps the series quiet."""
        return Health.MUTED if self.is_muted(now) else self.health


@dataclass(frozen=True, kw_only=True)
class SeriesExtent:
    """What telemetry holds of one series up to some moment."""

    key: SeriesKey
    first_at: datetime
    newest_at: datetime
    readings: int
