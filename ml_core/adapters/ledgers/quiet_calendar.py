"""The calendar in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip
from ml_core.sql import load_queries


class PostgresQuietCalendar:
    """Table ml_health.quiet_time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("quiet_calendar")

    def add(self, time: QuietTime) -> int:
        """Keep an entry; its number."""
        values = {**vars(time), "kind": time.kind.value, "skips": sorted(skip.value for skip in time.skips)}
        with self._database.transaction() as cur:
            cur.execute(self._queries["add"], values)
            ((quiet_id,),) = cur.fetchall()
        return int(quiet_id)

    def list_times(self, *, after: datetime, until: datetime | None = None) -> list[QuietTime]:
        """Entries that end after then and begin before `until` (None: whenever), by their begin."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_times"], {"after": after, "until": until})
            rows = cur.fetchall()
        return [
            QuietTime(
                quiet_id=quiet_id,
                kind=QuietKind(kind),
                tenant=tenant,
                pattern=pattern,
                begins_at=begins_at,
                ends_at=ends_at,
                skips=frozenset(map(Skip, skips)),
                reason=reason,
                created_by=created_by,
                created_at=created_at,
            )
            for quiet_id, kind, tenant, pattern, begins_at, ends_at, skips, reason, created_by, created_at in rows
        ]

    def remove(self, quiet_id: int, *, kind: QuietKind, at: datetime) -> bool:
        """Take an entry of this kind out, as if it had never been; False where there is none of that number."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["remove"], {"quiet_id": quiet_id, "kind": kind.value, "at": at})
            return cur.rowcount == 1
