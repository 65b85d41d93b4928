"""Incidents in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor
from psycopg2.extras import Json

from ml_core.adapters.postgres import Database
from ml_core.domain.finding import Severity
from ml_core.domain.incident import Incident, IssueStanding, Message
from ml_core.sql import load_queries


class PostgresIncidentLedger:
    """Table ml_health.incident; an incident and its messages are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("incident_ledger")

    def list_open(self) -> list[Incident]:
        """Incidents that are not resolved, the oldest first."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_open"])
            return _read_incidents(cur)

    def get(self, incident_id: int) -> Incident:
        """One incident by its id."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["get"], {"incident_id": incident_id})
            (incident,) = _read_incidents(cur)
        return incident

    def latest(self, fingerprint: str) -> Incident | None:
        """The newest incident of that cause, open or resolved."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["latest"], {"fingerprint": fingerprint})
            return next(iter(_read_incidents(cur)), None)

    def save(self, incident: Incident, *, finding_ids: Sequence[int], messages: Sequence[Message], at: datetime) -> int:
        """Write an incident, tie findings to it and put messages into the outbox, in one transaction; its id."""
        with self._database.transaction() as cur:
            name = "update" if incident.incident_id else "insert"
            cur.execute(self._queries[name], _to_row(incident))
            (incident_id,) = cur.fetchone() or (incident.incident_id,)
            if finding_ids:
                cur.execute(
                    self._queries["tie_findings"], {"incident_id": incident_id, "finding_ids": list(finding_ids)}
                )
            for message in messages:
                cur.execute(
                    self._queries["enqueue"],
                    {
                        "incident_id": incident_id,
                        "action": message.action.value,
                        "payload": Json(dict(message.payload)),
                        "at": at,
                    },
                )
        return int(incident_id)

    def count_healthy_runs(self, incident_id: int) -> int:
        """Daily checks that ended since the last finding of the incident was resolved, that one included."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_healthy_runs"], {"incident_id": incident_id})
            (count,) = cur.fetchone() or (0,)
        return int(count)


def _to_row(incident: Incident) -> dict[str, Any]:
    return {**vars(incident), "severity": incident.severity.value}


def _read_incidents(cur: cursor) -> list[Incident]:
    names = [column.name for column in cur.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cur.fetchall()]
    return [_to_incident(row) for row in rows]


def _to_incident(row: dict[str, Any]) -> Incident:
    same = (
        "fingerprint scope title opened_at updated_at sequence occurrences resolved_at issue_number issue_url"
        " issue_closed_at sent_digest last_comment_at previous_issue_url"
    ).split()  # noqa: SIM905 - fifteen quoted names read worse
    return Incident(
        incident_id=row["id"],
        check=row["check_name"],
        severity=Severity(row["severity"]),
        issue_status=None if row["issue_status"] is None else IssueStanding(row["issue_status"]),
        **{name: row[name] for name in same},
    )
