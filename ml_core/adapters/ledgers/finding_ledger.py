"""Findings in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json_rows
from ml_core.domain.incidents.finding import Finding, Observation, Severity
from ml_core.domain.series import SeriesKey
from ml_core.ports.finding_ledger import FindingChanges
from ml_core.sql import load_queries


class PostgresFindingLedger:
    """Table ml_health.finding; a batch of any size is three statements in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("finding_ledger")

    def observe(self, observations: Sequence[Observation], *, at: datetime) -> FindingChanges:
        """Open, refresh or resolve findings in one transaction; of a repeated (check, series) the last counts."""
        if not observations:
            return FindingChanges(opened=0, refreshed=0, resolved=0)
        rows = {(seen.check, seen.series_id): _to_row(seen) for seen in observations}
        params = {"at": at, "observations": to_json_rows(rows.values())}
        counts: dict[str, int] = {}
        with self._database.transaction() as cur:
            cur.execute(self._queries["lock"])
            for query in ("resolve", "refresh", "open"):
                cur.execute(self._queries[query], params)
                counts[query] = cur.rowcount
        return FindingChanges(opened=counts["open"], refreshed=counts["refresh"], resolved=counts["resolve"])

    def list_open(self, *, now: datetime, checks: Sequence[str] | None = None) -> list[Finding]:
        """Open findings of those checks (None: all), the oldest first; `now` tells which are muted."""
        names = None if checks is None else [str(check) for check in checks]
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_open"], {"now": now, "checks": names})
            return [_to_finding(row) for row in cur.fetchall()]

    def find(self, finding_id: int) -> Finding | None:
        """One finding, open or resolved."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["find"], {"finding_id": finding_id})
            row = cur.fetchone()
        return None if row is None else _to_finding(row)


def _to_row(seen: Observation) -> dict[str, Any]:
    return {
        "check_name": seen.check,
        "series_id": seen.series_id,
        "severity": seen.severity,
        "message": seen.message,
        "model_id": seen.model_id,
        "value": seen.value,
        "threshold": seen.threshold,
        "evidence": seen.evidence,
    }


def _to_finding(row: tuple[Any, ...]) -> Finding:
    (
        finding_id, check, sequence, severity, message, opened_at, seen_at, occurrences, series_id, tenant,
        device, metric, model_id, incident_id, value, threshold, evidence, resolved_at, resolved_reason, muted,
    ) = row  # fmt: skip
    return Finding(
        finding_id=finding_id,
        check=check,
        sequence=sequence,
        severity=Severity(severity),
        message=message,
        opened_at=opened_at,
        seen_at=seen_at,
        occurrences=occurrences,
        series_id=series_id,
        key=None if series_id is None else SeriesKey(device=device, metric=metric, tenant=tenant),
        model_id=model_id,
        incident_id=incident_id,
        value=value,
        threshold=threshold,
        evidence=evidence,
        resolved_at=resolved_at,
        resolved_reason=resolved_reason,
        muted=muted,
    )
