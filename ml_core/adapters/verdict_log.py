"""Operators' verdicts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from ml_core.adapters.postgres import Database
from ml_core.domain.judged_readings import JudgedReadings
from ml_core.domain.operator_verdict import NewVerdict, OperatorVerdict, VerdictCounts
from ml_core.domain.series import Readings, to_instant
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

    def list_judged(self, series_ids: Sequence[int]) -> Mapping[int, JudgedReadings]:
        """The readings that people last called anomalies or false alarms, of those series that have any."""
        judged = {"anomalies": list(_ANOMALIES), "false_alarm": OperatorVerdict.FALSE_ALARM.value}
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_judged"], {"series_ids": list(series_ids), **judged})
            rows = cur.fetchall()
        found: dict[int, list[tuple[datetime, float, bool]]] = {}
        for series_id, at, value, is_anomaly in rows:
            found.setdefault(series_id, []).append((at, value, is_anomaly))
        return {
            series_id: JudgedReadings(
                anomalies=_readings([row for row in told if row[2]]),
                false_alarms=_readings([row for row in told if not row[2]]),
            )
            for series_id, told in found.items()
        }


_ANOMALIES = (OperatorVerdict.CONFIRMED.value, OperatorVerdict.MISSED.value)


def _readings(rows: Sequence[tuple[datetime, float, bool]]) -> Readings:
    return Readings.clean([to_instant(at) for at, _, _ in rows], [value for _, value, _ in rows])
