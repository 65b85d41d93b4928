"""Reads what happened from PostgreSQL."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from ml_core.adapters.postgres.database import Database
from ml_core.domain.replay_count import DailyCount, Measure
from ml_core.ports.history import PastAnomaly, PastEvent, PastFinding, SeriesTally
from ml_core.sql import load_queries

Record = TypeVar("Record")


class PostgresHistory:
    """One query a question; columns stand in the order of the records' fields."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("history")

    def list_events(self, *, after: datetime, until: datetime) -> list[PastEvent]:
        """What was done to models."""
        return [_build(PastEvent, row) for row in self._fetch("list_events", after=after, until=until)]

    def list_findings(self, *, after: datetime, until: datetime) -> list[PastFinding]:
        """What was found, also what is mended."""
        return [_build(PastFinding, row) for row in self._fetch("list_findings", after=after, until=until)]

    def tally_series(self, *, after: datetime, until: datetime) -> list[SeriesTally]:
        """Every series with what scoring found in it."""
        return [_build(SeriesTally, row) for row in self._fetch("tally_series", after=after, until=until)]

    def list_anomalies(self, series_id: int, *, after: datetime, until: datetime) -> list[PastAnomaly]:
        """Flagged readings of one series."""
        rows = self._fetch("list_anomalies", series_id=series_id, after=after, until=until)
        return [_build(PastAnomaly, row) for row in rows]

    def count_by_day(self, *, begin: datetime, end: datetime) -> list[DailyCount]:
        """What scoring, checks, retraining and escalation did, by day (UTC), both moments included."""
        rows = self._fetch("count_by_day", begin=begin, end=end)
        return [
            DailyCount(day=day, measure=Measure(measure), detail=detail, count=count)
            for day, measure, detail, count in rows
        ]

    def _fetch(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._database.transaction() as cur:
            cur.execute(self._queries[name], values)
            return cur.fetchall()


def _build(kind: type[Record], row: tuple[Any, ...]) -> Record:
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]
    return kind(**dict(zip(names, row, strict=True)))
