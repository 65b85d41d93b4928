"""The series that the platform knows, their state and their health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import Health, SeriesExtent, SeriesRecord, SeriesState


class SeriesRegistry(Protocol):
    """Table ml_health.series; each method is one transaction."""

    def register(self, extents: Sequence[SeriesExtent], *, at: datetime) -> int:
        """Add series not known yet and refresh each one's newest reading; returns how many were new."""
        ...

    def list_series(
        self, *, states: Sequence[SeriesState] | None = None, keys: Sequence[SeriesKey] | None = None
    ) -> list[SeriesRecord]:
        """Series in those states and with those keys (None: all), adopted ones first, then by name."""
        ...

    def save_state(
        self,
        series_id: int,
        state: SeriesState,
        *,
        reason: str | None,
        trainable_at: datetime | None = None,
        training_failures: int = 0,
        circuit_open_until: datetime | None = None,
    ) -> None:
        """Write the state of one series."""
        ...

    def save_health(self, health: Mapping[int, tuple[Health, Sequence[str]]], *, at: datetime) -> None:
        """Write the verdict and its reasons of many series by their ids."""
        ...

    def mute(self, key: SeriesKey, *, until: datetime | None, reason: str | None) -> bool:
        """Quiet a series until then (None: no longer); False where there is no such series."""
        ...
