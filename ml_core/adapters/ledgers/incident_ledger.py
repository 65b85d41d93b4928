"""Incidents in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.incidents.incident import Attempt, Incident, IssueStanding, Message, OutboxAction
from ml_core.sql import load_queries


class PostgresIncidentLedger:
    """Table ml_health.incident; an incident and its messages are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("incident_ledger")

    def list_open(self) -> list[Incident]:
        """Incidents that are not resolved, the oldest first."""
        return self._fetch("list_open")

    def list_latest(self, fingerprints: Sequence[str]) -> list[Incident]:
        """The newest incident of each of those causes, open or resolved."""
        return self._fetch("list_latest", fingerprints=list(fingerprints)) if fingerprints else []

    def get(self, incident_id: int) -> Incident:
        """One incident by its id."""
        (incident,) = self._fetch("get", incident_id=incident_id)
        return incident

    def save(
        self,
        incident: Incident,
        *,
        finding_ids: Sequence[int],
        messages: Sequence[Message],
        withdrawn: Sequence[OutboxAction],
        at: datetime,
    ) -> int:
        """Write an incident, tie findings to it and put messages into the outbox, in one transaction; its id."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["update" if incident.incident_id else "insert"], vars(incident))
            ((incident_id,),) = cur.fetchall()
            row = {"incident_id": incident_id, "finding_ids": list(finding_ids), "at": at}
            if finding_ids:
                cur.execute(self._queries["tie_findings"], row)
            if withdrawn:
                cur.execute(self._queries["withdraw"], row | {"actions": [action.value for action in withdrawn]})
            for message in messages:
                payload = to_json(message.payload)
                cur.execute(self._queries["enqueue"], row | {"action": message.action.value, "payload": payload})
        return int(incident_id)

    def count_healthy_runs(self, incident_id: int) -> int:
        """Daily checks of the fleet that ended since the incident's last finding was resolved, that one included."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_healthy_runs"], {"incident_id": incident_id})
            ((count,),) = cur.fetchall()
        return int(count)

    def list_attempts(self, series_ids: Sequence[int], *, since: datetime) -> list[Attempt]:
        """What was done to models of those series since then, in order."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_attempts"], {"series_ids": list(series_ids), "since": since})
            return [
                Attempt(series_id=series_id, happened_at=happened_at, event=event, reason=reason)
                for series_id, happened_at, event, reason in cur.fetchall()
            ]

    def _fetch(self, query: str, **values: Any) -> list[Incident]:
        with self._database.transaction() as cur:
            cur.execute(self._queries[query], values)
            return _read_incidents(cur)


def _read_incidents(cur: cursor) -> list[Incident]:
    names = [column.name for column in cur.description or ()]
    return [_to_incident(dict(zip(names, row, strict=True))) for row in cur.fetchall()]


def _to_incident(row: dict[str, Any]) -> Incident:
    standing = row["issue_status"]
    return Incident(
        incident_id=row["id"],
        fingerprint=row["fingerprint"],
        sequence=row["sequence"],
        check=row["check_name"],
        scope=row["scope"],
        severity=Severity(row["severity"]),
        title=row["title"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        resolved_at=row["resolved_at"],
        occurrences=row["occurrences"],
        issue_number=row["issue_number"],
        issue_url=row["issue_url"],
        issue_status=None if standing is None else IssueStanding(standing),
        issue_closed_at=row["issue_closed_at"],
        sent_digest=row["sent_digest"],
        last_comment_at=row["last_comment_at"],
        previous_issue_url=row["previous_issue_url"],
    )
