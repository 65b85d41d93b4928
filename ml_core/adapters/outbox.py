"""The outbox in PostgreSQL: every step of a message is committed before the next is taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ml_core.adapters.postgres import Database
from ml_core.domain.incident import IssueStanding, OutboxAction, OutboxEntry
from ml_core.domain.issue import IssueRef
from ml_core.sql import load_queries


class PostgresOutbox:
    """Table ml_health.outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("incident_ledger")

    def list_waiting(self, *, now: datetime) -> list[OutboxEntry]:
        """Entries pending and permitted by now, and those being sent, the oldest first."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_waiting"], {"now": now})
            rows = cur.fetchall()
        return [
            OutboxEntry(
                entry_id=row[0],
                incident_id=row[1],
                action=OutboxAction(row[2]),
                payload=row[3],
                status=row[4],
                attempts=row[5],
                created_at=row[6],
                sending_at=row[7],
            )
            for row in rows
        ]

    def count_opened(self, *, since: datetime) -> int:
        """Issues opened since then."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["count_opened"], {"since": since})
            (count,) = cur.fetchone() or (0,)
        return int(count)

    def mark_sending(self, entry_id: int, *, at: datetime) -> None:
        """Commit that a call is about to be made."""
        self._execute(("mark_sending",), entry_id=entry_id, at=at)

    def mark_sent(
        self, entry: OutboxEntry, *, at: datetime, ref: IssueRef | None = None, standing: IssueStanding | None = None
    ) -> None:
        """Commit that a call was made, with what it did to the incident's issue."""
        self._execute(
            ("mark_sent", "record_issue"),
            entry_id=entry.entry_id,
            incident_id=entry.incident_id,
            number=None if ref is None else ref.number,
            url=None if ref is None else ref.url,
            standing=None if standing is None else standing.value,
            at=at,
        )

    def put_off(self, entry_id: int, *, until: datetime, error: str) -> None:
        """Back to pending, not before then; a newer message of the same action takes its place."""
        self._execute(("merge_put_off", "put_off"), entry_id=entry_id, until=until, at=until, error=error)

    def end(self, entry_id: int, status: str, *, at: datetime, error: str) -> None:
        """Park an entry that a person must look at, or drop one that has become pointless."""
        self._execute(("end",), entry_id=entry_id, status=status, at=at, error=error)

    def _execute(self, names: tuple[str, ...], **values: Any) -> None:
        with self._database.transaction() as cur:
            for name in names:
                cur.execute(self._queries[name], values)
