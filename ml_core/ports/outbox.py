"""The outbox: what is to be said of incidents to the issue tracker, each thing once."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ml_core.domain.incidents.incident import IssueStanding, OutboxEntry, OutboxStatus
from ml_core.domain.incidents.issue import IssueRef


class Outbox(Protocol):
    """Table ml_health.outbox; every step of a message is committed before the next is taken."""

    def list_waiting(self, *, now: datetime) -> list[OutboxEntry]:
        """What may be said now, the oldest first; nothing while a message that was tried waits for its time."""
        ...

    def count_opened(self, *, since: datetime) -> int:
        """Issues opened since then."""
        ...

    def claim(self, entry: OutboxEntry, *, at: datetime, settled_at: datetime) -> None:
        """Commit that a call is about to be made, looked at again at `settled_at` if no more is heard of it.

        ConflictError where another sender was faster.
        """
        ...

    def mark_sent(self, entry: OutboxEntry, *, at: datetime, ref: IssueRef, standing: IssueStanding) -> None:
        """Commit that a call was made, with what the incident's issue is now."""
        ...

    def put_off(self, entry: OutboxEntry, status: OutboxStatus, *, until: datetime, at: datetime, error: str) -> None:
        """Let it wait until then; a newer message of the same action takes its place, unless it may be out."""
        ...

    def drop(self, entry: OutboxEntry, *, at: datetime, reason: str, forget_issue: bool = False) -> None:
        """End an entry that has become pointless, and let the incident forget an issue that is elsewhere."""
        ...
