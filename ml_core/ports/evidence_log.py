"""What is stored about a decision."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from ml_core.domain.explaining.evidence import AnomalyTrail, IncidentTrail, ModelTrail


class EvidenceLog(Protocol):
    """Reads over events, checks, findings, alerts, verdicts and messages."""

    def read_model(self, model_id: UUID) -> ModelTrail | None:
        """The trail of a model version; None where there is none of that id."""
        ...

    def read_anomaly(self, detection_id: UUID) -> AnomalyTrail | None:
        """The trail of a reading of the anomaly log; None where there is none of that id."""
        ...

    def read_incident(self, incident_id: int, *, limit: int) -> IncidentTrail | None:
        """The trail of an incident with at most `limit` findings; None where there is none of that number."""
        ...
