"""The incidents: findings of one cause, and what the ledger knows of their issues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.incidents.incident import Attempt, Incident, Message, OutboxAction


class IncidentLedger(Protocol):
    """Table ml_health.incident; it is the truth, the tracker is only told."""

    def list_open(self) -> list[Incident]:
        """Incidents that are not resolved, the oldest first."""
        ...

    def list_latest(self, fingerprints: Sequence[str]) -> list[Incident]:
        """The newest incident of each of those causes, open or resolved."""
        ...

    def get(self, incident_id: int) -> Incident:
        """One incident by its id."""
        ...

    def save(
        self,
        incident: Incident,
        *,
        finding_ids: Sequence[int],
        messages: Sequence[Message],
        withdrawn: Sequence[OutboxAction],
        at: datetime,
    ) -> int:
        """Write an incident, tie findings to it and put messages into the outbox, in one transaction; its id.

        Waiting messages of the withdrawn actions are dropped first. A waiting message of the same action is
        replaced: what was not said yet is said once, as it is now.
        """
        ...

    def count_healthy_runs(self, incident_id: int) -> int:
        """Daily checks of the fleet that ended since the incident's last finding was resolved, that one included."""
        ...

    def list_attempts(self, series_ids: Sequence[int], *, since: datetime) -> list[Attempt]:
        """What was done to models of those series since then, in order."""
        ...
