"""Explain a decision: find what is meant, read what is stored about it, and tell it in order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ml_core.domain.explaining.anomaly_explanation import explain_anomaly
from ml_core.domain.explaining.explanation import Explanation
from ml_core.domain.explaining.incident_explanation import explain_incident
from ml_core.domain.explaining.model_explanation import explain_model
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import ConfigurationError
from ml_core.ports.anomaly_log import AnomalyLog
from ml_core.ports.evidence_log import EvidenceLog
from ml_core.ports.incident_ledger import IncidentLedger
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.named_series import list_named

SHOWN_FINDINGS = 20


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Answers for one site; raises ConfigurationError where nothing of that name is stored."""

    series: SeriesRegistry
    models: ModelRegistry
    anomalies: AnomalyLog
    incidents: IncidentLedger
    evidence: EvidenceLog

    def explain(self, subject: str) -> Explanation:
        """Explain an id of a model or anomaly, the number of an incident, DEVICE:METRIC or DEVICE:METRIC@VERSION."""
        if subject.isdecimal():
            return self._explain_incident(int(subject))
        try:
            named = UUID(subject)
        except ValueError:
            return self._explain_version(self._find_version(subject))
        trail = self.evidence.read_model(named)
        if trail is None:
            return self._explain_anomaly(named)
        (version,) = (it for it in self.models.list_versions(series_ids=[trail.series_id]) if it.model_id == named)
        return self._explain_version(version)

    def _explain_version(self, version: ModelVersion) -> Explanation:
        trail = self.evidence.read_model(version.model_id)
        if trail is None:
            raise ConfigurationError(f"version {version.version} has been deleted meanwhile")
        names = {record.series_id: str(record.key) for record in self.series.list_series()}
        return explain_model(names[version.series_id], version, trail)

    def _explain_anomaly(self, detection_id: UUID) -> Explanation:
        anomaly, trail = self.anomalies.find(detection_id), self.evidence.read_anomaly(detection_id)
        if anomaly is None or trail is None:
            raise ConfigurationError(f"no model, anomaly or reading of the log has the id {detection_id}")
        versions = self.models.list_versions(series_ids=[anomaly.series_id])
        version = next((it for it in versions if it.model_id == trail.model_id), None)
        return explain_anomaly(anomaly, trail, version)

    def _explain_incident(self, incident_id: int) -> Explanation:
        trail = self.evidence.read_incident(incident_id, limit=SHOWN_FINDINGS)
        if trail is None:
            raise ConfigurationError(
                f"there is no incident {incident_id}; its number stands at the end of its issue and in the "
                "dashboards' table of open incidents"
            )
        return explain_incident(self.incidents.get(incident_id), trail)

    def _find_version(self, name: str) -> ModelVersion:
        """The serving version of a series, or the one that is named after an @."""
        known = {str(record.key): record for record in self.series.list_series()}
        series, _, number = name.rpartition("@")
        # @7 alone is a series by its number.
        if name not in known and series and number.isdecimal():
            versions = self._list_versions(list_named(self.series, series))
            found = [version for version in versions if version.version == int(number)]
        else:
            versions = self._list_versions(list_named(self.series, name))
            found = [version for version in versions if version.status is ModelStatus.ACTIVE]
        if not found:
            numbers = ", ".join(str(version.version) for version in versions) or "none"
            raise ConfigurationError(f"{name} has no such version; write DEVICE:METRIC@VERSION, known: {numbers}")
        return found[0]

    def _list_versions(self, records: list[SeriesRecord]) -> list[ModelVersion]:
        return self.models.list_versions(series_ids=[record.series_id for record in records])
