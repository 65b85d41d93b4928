"""Training: readings in, a stored and numbered candidate out, or the reason why not; many series at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from ml_core.domain.detectors.artifact_format import encode
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.detectors.expected_alarms import expected_alarm_rate
from ml_core.domain.gate.contender import Contender
from ml_core.domain.model_version import ModelVersion, NewModel
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series import Readings, SeriesKey, to_datetime
from ml_core.errors import ArtifactError, DatabaseUnavailableError, MLHealthError
from ml_core.ports.artifact_store import ArtifactStore, StoredArtifact
from ml_core.ports.model_registry import ModelRegistry
from ml_core.services.health.artifact_survey import load_artifact
from ml_core.services.runs import RunRecorder
from ml_core.services.training.fitting import Execution, Fitted, NotTrained, TrainingProblem, TrainingRequest, fit_all
from ml_core.services.training.store_probe import probe_store


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A stored and numbered model that nobody uses yet, in memory and as the store gives it back."""

    version: ModelVersion
    contender: Contender
    reloaded: Contender
    readings: Readings


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """Makes candidates; results do not depend on where they were fitted."""

    models: ModelRegistry
    artifacts: ArtifactStore
    options: FitOptions
    policy: TrainingPolicy
    now: datetime
    run: RunRecorder
    execution: Execution = Execution()

    @property
    def expected_alarm_rate(self) -> float:
        """The share of readings that a model is made to call anomalous."""
        return expected_alarm_rate(self.options.contamination, None, self.options.target_alarm_rate)

    def kind_of(self, key: SeriesKey) -> str:
        """The kind of detector that the settings name for a series."""
        patterns = self.policy.kind_by_pattern.items()
        matching = (kind for pattern, kind in patterns if fnmatchcase(str(key), pattern))
        return next(matching, self.policy.kind)

    def require_store(self) -> None:
        """Raise ArtifactError before any training where no model could be stored afterwards."""
        probe_store(self.artifacts)

    def train(self, requests: Sequence[TrainingRequest]) -> list[Candidate | NotTrained]:
        """Fit, store and number each; one answer a request, in order.

        A series at which an earlier attempt's process died is fitted in a process of its own. Raises ArtifactError
        where the whole store stopped working, which is no failure of any one series, and RunStopped between two
        series.
        """
        suspects = self.run.begin([request.series_id for request in requests])
        fitted = fit_all(
            requests, self.options, self.execution, suspects=suspects, stop_if_asked=self.run.stop_if_asked
        )
        return [
            outcome if isinstance(outcome, NotTrained) else self._keep(request, outcome)
            for request, outcome in zip(requests, fitted, strict=True)
        ]

    def _keep(self, request: TrainingRequest, fitted: Fitted) -> Candidate | NotTrained:
        try:
            return self._store(request, fitted)
        except DatabaseUnavailableError:
            raise
        except ArtifactError as exc:
            self.require_store()
            reason = str(exc)
        except MLHealthError as exc:
            reason = str(exc)
        return NotTrained(problem=TrainingProblem.FAILED, reason=reason)

    def _store(self, request: TrainingRequest, fitted: Fitted) -> Candidate:
        stored = self.artifacts.write(encode(fitted.artifact))
        version = self.models.add(self._describe(request, fitted, stored))
        detector = detector_of_kind(request.kind)
        return Candidate(
            version=version,
            contender=Contender(detector=detector, artifact=fitted.artifact),
            reloaded=Contender(detector=detector, artifact=load_artifact(version, self.artifacts)),
            readings=request.readings,
        )

    def _describe(self, request: TrainingRequest, fitted: Fitted, stored: StoredArtifact) -> NewModel:
        return NewModel(
            series_id=request.series_id,
            kind=request.kind,
            trained_at=self.now,
            cause=request.cause,
            training_from=to_datetime(request.readings.timestamps[0]),
            training_to=to_datetime(request.readings.timestamps[-1]),
            training_samples=len(request.readings),
            training_ms=fitted.training_ms,
            contamination=self.options.contamination,
            n_estimators=self.options.n_estimators,
            # What dashboards hold alarms against: an adaptive model alarms by its budget, whatever its frozen
            # reference was made for; a quota leaves no other target.
            target_alarm_rate=expected_alarm_rate(
                fitted.artifact.metadata.get("alarm_rate"), None, self.expected_alarm_rate
            ),
            artifact_sha256=stored.sha256,
            artifact_uri=stored.uri,
            artifact_bytes=stored.size_bytes,
            metadata=fitted.artifact.metadata,
        )
