"""The outbox in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from ml_core.adapters.postgres.database import Database
from ml_core.domain.incidents.incident import IssueStanding, OutboxAction, OutboxEntry, OutboxStatus
from ml_core.domain.incidents.issue import IssueRef
from ml_core.errors import ConflictError
from ml_core.ports.outbox import OutboxCounts
from ml_core.sql import load_queries


class PostgresOutbox:
    """Table ml_health.outbox; every step of a message is committed before the next is taken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("outbox")

    def list_waiting(self, *, now: datetime) -> list[OutboxEntry]:
        """What may be said now, the oldest first; nothing while one that was tried waits and holds the others."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_waiting"], {"now": now})
            rows = cur.fetchall()
        return [
            OutboxEntry(
                entry_id=entry_id,
                incident_id=incident_id,
                action=OutboxAction(action),
                payload=payload,
                status=OutboxStatus(status),
                attempts=attempts,
                created_at=created_at,
            )
            for entry_id, incident_id, action, payload, status, attempts, created_at in rows
        ]

    def count(self, *, since: datetime) -> OutboxCounts:
        """Issues opened since then, and what is parked."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["count"], {"since": since})
            ((opened, parked),) = cur.fetchall()
        return OutboxCounts(opened=opened, parked=parked)

    def claim(self, entry: OutboxEntry, *, at: datetime, settled_at: datetime) -> None:
        """Commit that a call is about to be made; ConflictError where another sender was faster."""
        row = {"entry_id": entry.entry_id, "attempts": entry.attempts, "at": at, "settled_at": settled_at}
        with self._database.transaction() as cur:
            cur.execute(self._queries["claim"], row)
            if cur.rowcount == 0:
                raise ConflictError(f"another sender has taken message {entry.entry_id}; this one stops")

    def mark_sent(self, entry: OutboxEntry, *, at: datetime, ref: IssueRef, standing: IssueStanding) -> None:
        """Commit that a call was made, with what the incident's issue is now."""
        row = {
            "entry_id": entry.entry_id,
            "incident_id": entry.incident_id,
            "number": ref.number,
            "url": ref.url,
            "standing": standing.value,
            "commented": "text" in entry.payload,
            "at": at,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["mark_sent"], row)
            cur.execute(self._queries["record_issue"], row)

    def put_off(
        self,
        entry: OutboxEntry,
        status: OutboxStatus,
        *,
        until: datetime,
        at: datetime,
        error: str,
        holds_others: bool = True,
    ) -> None:
        """Let it wait until then, and others with it unless the fault is its own.

        A newer message of the same action takes its place, unless it may be out.
        """
        row = {
            "entry_id": entry.entry_id,
            "status": status.value,
            "until": until,
            "at": at,
            "error": error,
            "holds_others": holds_others,
        }
        with self._database.transaction() as cur:
            if status is not OutboxStatus.SENDING:
                cur.execute(self._queries["give_way"], row)
            cur.execute(self._queries["put_off"], row)

    def drop(self, entry: OutboxEntry, *, at: datetime, reason: str, forget_issue: bool = False) -> None:
        """End an entry that has become pointless, and let the incident forget an issue that is elsewhere."""
        row = {"entry_id": entry.entry_id, "incident_id": entry.incident_id, "at": at, "error": reason}
        with self._database.transaction() as cur:
            cur.execute(self._queries["drop"], row)
            if forget_issue:
                cur.execute(self._queries["forget_issue"], row)
