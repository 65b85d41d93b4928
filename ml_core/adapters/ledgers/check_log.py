"""Check results in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json_rows
from ml_core.domain.checks.check import CheckResult, SeriesCheck, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.sql import load_queries


class PostgresCheckLog:
    """Table ml_health.check_result; each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("check_log")

    def save(self, run_id: int, checks: Sequence[SeriesCheck], *, at: datetime) -> None:
        """Write the checks of some series of a run; a repeated (series, check) replaces the first."""
        if not checks:
            return
        rows = {(check.series_id, check.result.check): _to_row(check) for check in checks}
        params = {"run_id": run_id, "at": at, "checks": to_json_rows(rows.values())}
        with self._database.transaction() as cur:
            cur.execute(self._queries["save"], params)

    def latest_of_each(
        self,
        series_ids: Sequence[int],
        *,
        checks: Sequence[str] = tuple(CheckName),
        before_run_id: int | None = None,
        until: datetime | None = None,
    ) -> Mapping[int, Sequence[SeriesCheck]]:
        """The newest result of each of those checks by series up to `until`, with the model that it judged."""
        asked = {
            "series_ids": list(series_ids),
            "checks": [str(check) for check in checks],
            "before_run_id": before_run_id,
            "until": until,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["latest"], asked)
            found: dict[int, list[SeriesCheck]] = defaultdict(list)
            for row in cur.fetchall():
                found[row[0]].append(_to_check(row))
        return found

    def list_values(
        self, asked: Sequence[tuple[int, str]], *, until: datetime, limit: int
    ) -> Mapping[tuple[int, str], Sequence[float]]:
        """The last values of each (series id, check) up to then, at most `limit`, the oldest first."""
        values = {
            "series_ids": [series_id for series_id, _ in asked],
            "checks": [check for _, check in asked],
            "until": until,
            "limit": limit,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_values"], values)
            found: dict[tuple[int, str], list[float]] = defaultdict(list)
            for series_id, check, value in cur.fetchall():
                found[series_id, check].append(value)
        return found


def _to_row(check: SeriesCheck) -> dict[str, Any]:
    result = check.result
    return {
        "series_id": check.series_id,
        "check_name": result.check,
        "model_id": check.model_id,
        "verdict": result.verdict,
        "value": result.value,
        "threshold": result.threshold,
        "reason": result.reason,
        "evidence": result.evidence,
    }


def _to_check(row: tuple[Any, ...]) -> SeriesCheck:
    series_id, model_id, check, verdict, reason, value, threshold, evidence = row
    result = CheckResult(
        check=check,
        verdict=Verdict(verdict),
        reason=reason,
        value=value,
        threshold=threshold,
        evidence=evidence,
    )
    return SeriesCheck(series_id=series_id, model_id=model_id, result=result)
