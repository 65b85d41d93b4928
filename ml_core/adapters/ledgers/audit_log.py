"""The random audit in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ml_core.adapters.postgres.database import Database
from ml_core.domain.reviews.operator_verdict import OperatorVerdict
from ml_core.domain.scoring.anomaly import AuditedHour
from ml_core.domain.series import SeriesKey
from ml_core.sql import load_queries


class PostgresAuditLog:
    """Table ml_health.audit_sample."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("audit_log")

    def draw(self, *, begin: datetime, end: datetime, size: int, seed: str, at: datetime) -> int:
        """Draw hours with begin <= hour < end that hold unflagged readings, each equally likely; how many."""
        values = {"begin": begin, "end": end, "size": size, "seed": seed, "at": at}
        with self._database.transaction() as cur:
            cur.execute(self._queries["draw"], values)
            return cur.rowcount

    def find(self, sample_id: UUID) -> AuditedHour | None:
        """One drawn hour."""
        found = self._fetch("find", sample_id=sample_id)
        return found[0] if found else None

    def list_hours(self, *, after: datetime, until: datetime, unanswered: bool) -> list[AuditedHour]:
        """Drawn hours with after < hour <= until, the oldest first."""
        return self._fetch("list_hours", after=after, until=until, unanswered=unanswered)

    def count_scored(self, *, after: datetime, until: datetime) -> tuple[int, int]:
        """Readings scored, and flagged among them, in hours with after < hour <= until."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_scored"], {"after": after, "until": until})
            ((scored, flagged),) = cur.fetchall()
        return scored, flagged

    def _fetch(self, query: str, **values: Any) -> list[AuditedHour]:
        with self._database.transaction() as cur:
            cur.execute(self._queries[query], values)
            return [_hour(row) for row in cur.fetchall()]


def _hour(row: tuple[Any, ...]) -> AuditedHour:
    sample_id, series_id, tenant, device, metric, hour, readings, probability, verdict = row
    return AuditedHour(
        sample_id=sample_id,
        series_id=series_id,
        key=SeriesKey(device=device, metric=metric, tenant=tenant),
        hour=hour,
        readings=readings,
        probability=probability,
        verdict=None if verdict is None else OperatorVerdict(verdict),
    )
