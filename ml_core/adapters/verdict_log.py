"""Operators' verdicts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from ml_core.adapters.postgres import Database
from ml_core.domain.operator_verdict import NewVerdict, VerdictCounts
from ml_core.sql import load_queries


class PostgresVerdictLog:
    """Table ml_health.verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("verdict_log")

    def add(self, verdict: NewVerdict) -> int:
        """Keep a verdict; its number."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["add"], {**asdict(verdict), "verdict": verdict.verdict.value})
            row = cur.fetchone()
        assert row is not None  # noqa: S101 - INSERT ... RETURNING answers a row or raises
        return int(row[0])

    def count_latest(
        self, series_ids: Sequence[int], *, after: datetime, until: datetime
    ) -> Mapping[int, VerdictCounts]:
        """Latest verdicts on readings with after < timestamp <= until; every asked series is answered."""
        params = {"series_ids": list(series_ids), "after": after, "until": until}
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_latest"], params)
            found = {
                row[0]: VerdictCounts(confirmed=row[1], false_alarm=row[2], missed=row[3], normal=row[4])
                for row in cur.fetchall()
            }
        return {series_id: found.get(series_id, VerdictCounts()) for series_id in series_ids}
