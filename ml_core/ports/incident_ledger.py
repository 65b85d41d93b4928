"""The incidents, and the outbox of what is to be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.incident import Incident, IssueStanding, Message, OutboxEntry
from ml_core.domain.issue import IssueRef


class IncidentLedger(Protocol):
    """Table ml_health.incident."""

    def list_open(self) -> list[Incident]:
        """Incidents that are not resolved, the oldest first."""
        ...

    def get(self, incident_id: int) -> Incident:
        """One incident by its id."""
        ...

    def latest(self, fingerprint: str) -> Incident | None:
        """The newest incident of that cause, open or resolved."""
        ...

    def save(self, incident: Incident, *, finding_ids: Sequence[int], messages: Sequence[Message], at: datetime) -> int:
        """Write an incident, tie findings to it and put messages into the outbox, in one transaction; its id.

        A pending message of the same action is replaced: what was not said yet is said once, as it is now.
        """
        ...

    def count_healthy_runs(self, incident_id: int) -> int:
        """Daily checks that ended since the last finding of the incident was resolved, that one included."""
        ...


class Outbox(Protocol):
    """Table ml_health.outbox; one sender at a time."""

    def list_waiting(self, *, now: datetime) -> list[OutboxEntry]:
        """Entries pending and permitted by now, and those being sent, the oldest first."""
        ...

    def count_opened(self, *, since: datetime) -> int:
        """Issues opened since then."""
        ...

    def mark_sending(self, entry_id: int, *, at: datetime) -> None:
        """Commit that a call is about to be made."""
        ...

    def mark_sent(
        self, entry: OutboxEntry, *, at: datetime, ref: IssueRef | None = None, standing: IssueStanding | None = None
    ) -> None:
        """Commit that a call was made, with what it did to the incident's issue."""
        ...

    def put_off(self, entry_id: int, *, until: datetime, error: str) -> None:
        """Back to pending, not before then."""
        ...

    def end(self, entry_id: int, status: str, *, at: datetime, error: str) -> None:
        """Park an entry that a person must look at, or drop one that has become pointless."""
        ...
