"""The random audit of what was not flagged."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from ml_core.domain.scoring.anomaly import AuditedHour


class AuditLog(Protocol):
    """Table ml_health.audit_sample."""

    def draw(self, *, begin: datetime, end: datetime, size: int, seed: str, at: datetime) -> int:
        """Draw hours with begin <= hour < end that hold unflagged readings, each equally likely; how many.

        The same seed draws the same hours. Where hours of that time were drawn before, none is.
        """
        ...

    def find(self, sample_id: UUID) -> AuditedHour | None:
        """One drawn hour."""
        ...

    def list_hours(self, *, after: datetime, until: datetime, unanswered: bool) -> list[AuditedHour]:
        """Drawn hours with after < hour <= until, the oldest first."""
        ...

    def count_scored(self, *, after: datetime, until: datetime) -> tuple[int, int]:
        """Readings scored, and flagged among them, in hours with after < hour <= until."""
        ...
