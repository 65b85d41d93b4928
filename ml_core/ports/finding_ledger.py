"""What is wrong now, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_core.domain.incidents.finding import Finding, Observation


@dataclass(frozen=True, kw_only=True)
class FindingChanges:
    """What a set of observations did to the ledger."""

    opened: int
    refreshed: int
    resolved: int


class FindingLedger(Protocol):
    """Table ml_health.finding; one open finding a (check, series)."""

    def observe(self, observations: Sequence[Observation], *, at: datetime) -> FindingChanges:
        """Open, refresh or resolve findings in one transaction."""
        ...

    def list_open(self, *, now: datetime, checks: Sequence[str] | None = None) -> list[Finding]:
        """Open findings of those checks (None: all), the oldest first; `now` tells which are muted."""
        ...

    def find(self, finding_id: int) -> Finding | None:
        """One finding, open or resolved."""
        ...
