"""What happened to the fleet over a time: told at the end of a night, a week or the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_core.domain.replay_count import DailyCount


@dataclass(frozen=True, kw_only=True)
class PastEvent:
    """Something done to a model."""

    series: str
    version: int | None
    event: str
    happened_at: datetime
    cause: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class PastFinding:
    """Something found wrong, perhaps mended since."""

    series: str | None
    check: str
    severity: str
    message: str
    opened_at: datetime
    resolved_at: datetime | None
    issue_url: str | None


@dataclass(frozen=True, kw_only=True)
class SeriesTally:
    """What scoring found in one series."""

    series: str
    state: str
    health: str
    version: int | None
    scored: int
    anomalies: int
    episodes: int


@dataclass(frozen=True, kw_only=True)
class PastAnomaly:
    """One flagged reading."""

    happened_at: datetime
    value: float
    version: int | None


class History(Protocol):
    """Reads of what is stored, in the order in which it happened."""

    def list_events(self, *, after: datetime, until: datetime) -> Sequence[PastEvent]:
        """What was done to models."""
        ...

    def list_findings(self, *, after: datetime, until: datetime) -> Sequence[PastFinding]:
        """What was found, also what is mended."""
        ...

    def tally_series(self, *, after: datetime, until: datetime) -> Sequence[SeriesTally]:
        """Every series with what scoring found in it."""
        ...

    def list_anomalies(self, series_id: int, *, after: datetime, until: datetime) -> Sequence[PastAnomaly]:
        """Flagged readings of one series."""
        ...

    def count_by_day(self, *, begin: datetime, end: datetime) -> Sequence[DailyCount]:
        """What scoring, checks, retraining and escalation did, by day (UTC), both moments included."""
        ...
