"""Operators' verdicts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from ml_core.adapters.postgres.database import Database
from ml_core.domain.reviews.judged_readings import JudgedReadings
from ml_core.domain.reviews.operator_verdict import NewVerdict, OperatorVerdict, VerdictCounts
from ml_core.domain.series import Readings, to_instant
from ml_core.sql import load_queries

_ANOMALIES = (OperatorVerdict.CONFIRMED.value, OperatorVerdict.MISSED.value)


class PostgresVerdictLog:
    """Table ml_health.verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("verdict_log")

    def add(self, *verdicts: NewVerdict) -> None:
        """Keep verdicts, all or none."""
        names = [field.name for field in fields(NewVerdict)]
        columns: dict[str, list[Any]] = {name: [getattr(verdict, name) for verdict in verdicts] for name in names}
        with self._database.transaction() as cur:
            cur.execute(self._queries["add"], columns)

    def count_latest(
        self, series_ids: Sequence[int], *, after: datetime, until: datetime
    ) -> Mapping[int, VerdictCounts]:
        """Latest verdicts on readings and audited hours with after < timestamp <= until, of every asked series."""
        params = {"series_ids": list(series_ids), "after": after, "until": until}
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_latest"], params)
            found = {
                series_id: VerdictCounts(
                    confirmed=confirmed,
                    false_alarm=false_alarm,
                    reviews=reviews,
                    alarm_squares=squares,
                    missed=missed,
                    normal=normal,
                    audit_weight=weights[0],
                    normal_weight=weights[1],
                    audit_weight_squares=weights[2],
                )
                for series_id, confirmed, false_alarm, reviews, squares, missed, normal, *weights in cur.fetchall()
            }
        return {series_id: found.get(series_id, VerdictCounts()) for series_id in series_ids}

    def list_judged(self, series_ids: Sequence[int]) -> Mapping[int, JudgedReadings]:
        """What people last called anomalies, missed or false alarms, of those series that have any."""
        judged = {"anomalies": list(_ANOMALIES), "false_alarm": OperatorVerdict.FALSE_ALARM.value}
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_judged"], {"series_ids": list(series_ids), **judged})
            rows = cur.fetchall()
        found: dict[int, list[tuple[Any, ...]]] = {}
        for series_id, *told in rows:
            found.setdefault(series_id, []).append(tuple(told))
        return {series_id: _judged(told) for series_id, told in found.items()}


def _judged(told: Sequence[tuple[Any, ...]]) -> JudgedReadings:
    """Of rows (at, value, end of a stretch, whether it is an anomaly)."""
    return JudgedReadings(
        anomalies=_readings([row for row in told if row[3] and row[2] is None]),
        false_alarms=_readings([row for row in told if not row[3]]),
        missed_stretches=tuple((at, until) for at, _, until, _ in told if until is not None),
    )


def _readings(rows: Sequence[tuple[Any, ...]]) -> Readings:
    return Readings.clean([to_instant(row[0]) for row in rows], [row[1] for row in rows])
