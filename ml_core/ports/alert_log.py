"""Alerts on their way to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.scoring.alert import AlertEvent


class AlertLog(Protocol):
    """Tables ml_health.alert_event and alert_delivery; events are written with the scoring that raised them."""

    def list_waiting(self, channel: str, *, written_after: datetime) -> list[AlertEvent]:
        """Events to be told that this channel has not told yet, the oldest first."""
        ...

    def mark_delivered(self, channel: str, events: Sequence[AlertEvent], *, at: datetime) -> None:
        """Commit that a channel has told them."""
        ...


class AlertChannel(Protocol):
    """One way to people or programs."""

    @property
    def name(self) -> str:
        """Under which deliveries are kept."""
        ...

    def send(self, events: Sequence[AlertEvent]) -> None:
        """Tell them in order; raises AlertChannelError. An event may come twice, with the same id."""
        ...
