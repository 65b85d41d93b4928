"""The outbox: what is to be said of incidents to the issue tracker, each thing once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_core.domain.incidents.incident import IssueStanding, OutboxEntry, OutboxStatus
from ml_core.domain.incidents.issue import IssueRef


@dataclass(frozen=True, kw_only=True)
class OutboxCounts:
    """How much was said lately, and cannot be said."""

    opened: int
    """Issues, those among them of which it is not known yet."""
    parked: int
    """Messages that the tracker refuses, whenever that was."""


class Outbox(Protocol):
    """Table ml_health.outbox; every step of a message is committed before the next is taken."""

    def list_waiting(self, *, now: datetime) -> list[OutboxEntry]:
        """What may be said now, the oldest first; nothing while one that was tried waits and holds the others."""
        ...

    def count(self, *, since: datetime) -> OutboxCounts:
        """Issues opened since then, and what is parked."""
        ...

    def claim(self, entry: OutboxEntry, *, at: datetime, settled_at: datetime) -> None:
        """Commit that a call is about to be made, looked at again at `settled_at` if no more is heard of it.

        ConflictError where another sender was faster.
        """
        ...

    def mark_sent(self, entry: OutboxEntry, *, at: datetime, ref: IssueRef, standing: IssueStanding) -> None:
        """Commit that a call was made, with what the incident's issue is now."""
        ...

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
        ...

    def drop(self, entry: OutboxEntry, *, at: datetime, reason: str, forget_issue: bool = False) -> None:
        """End an entry that has become pointless, and let the incident forget an issue that is elsewhere."""
        ...
