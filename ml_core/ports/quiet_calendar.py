"""The calendar of maintenance and snoozes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime


class QuietCalendar(Protocol):
    """Table ml_health.quiet_time."""

    def add(self, time: QuietTime) -> int:
        """Keep an entry; its number."""
        ...

    def list_times(self, *, after: datetime, until: datetime | None = None) -> list[QuietTime]:
        """Entries that end after then and begin before `until` (None: whenever), by their begin."""
        ...

    def remove(self, quiet_id: int, *, kind: QuietKind, at: datetime) -> bool:
        """Take an entry of this kind out, as if it had never been; False where there is none of that number."""
        ...
