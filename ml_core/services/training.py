"""Training: readings in, a stored candidate out, or the reason why not; many series at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from ml_core.domain.artifact_format import encode
from ml_core.domain.contender import Contender
from ml_core.domain.detector import FitOptions, ModelArtifact, detector_of_kind
from ml_core.domain.model_version import ModelVersion, NewModel, TrainingCause
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series import Readings, SeriesKey, to_datetime
from ml_core.errors import InsufficientDataError, MLHealthError, UnmodellableSeriesError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.model_registry import ModelRegistry
from ml_core.services.artifact_survey import load_artifact

logger = logging.getLogger(__name__)


class TrainingProblem(StrEnum):
    """Why there is no model: two outcomes that are expected, and failure."""

    TOO_LITTLE = "too_little"
    UNMODELLABLE = "unmodellable"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """One series to be trained."""

    series_id: int
    kind: str
    readings: Readings
    cause: TrainingCause


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a detector learned, and the wall time it took."""

    artifact: ModelArtifact
    training_ms: float


@dataclass(frozen=True, kw_only=True)
class NotTrained:
    """No model, and the reason in words."""

    problem: TrainingProblem
    reason: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A stored and numbered model that nobody uses yet, in memory and as the store gives it back."""

    version: ModelVersion
    contender: Contender
    reloaded: Contender
    readings: Readings


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How fitting is spread: a joblib backend and its number of workers, -1 for one a core."""

    backend: str = "sequential"
    jobs: int = -1


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """Makes candidates; results do not depend on where they were fitted."""

    models: ModelRegistry
    artifacts: ArtifactStore
    options: FitOptions
    policy: TrainingPolicy
    now: datetime
    execution: Execution = Execution()

    @property
    def expected_alarm_rate(self) -> float:
        """The share of readings that a model is made to call anomalous."""
        return self.options.contamination or self.options.target_alarm_rate

    def kind_of(self, key: SeriesKey) -> str:
        """The kind of detector that the settings name for a series."""
        patterns = self.policy.kind_by_pattern.items()
        matching = (kind for pattern, kind in patterns if fnmatchcase(str(key), pattern))
        return next(matching, self.policy.kind)

    def train(self, requests: Sequence[TrainingRequest]) -> list[Candidate | NotTrained]:
        """Fit, store and number each; one answer a request, in order."""
        fitted = fit_all(requests, self.options, self.execution)
        return [
            outcome if isinstance(outcome, NotTrained) else self._store(request, outcome)
            for request, outcome in zip(requests, fitted, strict=True)
        ]

    def _store(self, request: TrainingRequest, fitted: Fitted) -> Candidate | NotTrained:
        try:
            stored = self.artifacts.write(encode(fitted.artifact))
            version = self.models.add(
                NewModel(
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
                    target_alarm_rate=self.options.target_alarm_rate,
                    artifact_sha256=stored.sha256,
                    artifact_uri=stored.uri,
                    artifact_bytes=stored.size_bytes,
                    metadata=fitted.artifact.metadata,
                )
            )
            saved = load_artifact(version, self.artifacts)
        except MLHealthError as exc:
            raise_if_database_is_gone(exc)
            return NotTrained(problem=TrainingProblem.FAILED, reason=str(exc))
        detector = detector_of_kind(request.kind)
        return Candidate(
            version=version,
            contender=Contender(detector=detector, artifact=fitted.artifact),
            reloaded=Contender(detector=detector, artifact=saved),
            readings=request.readings,
        )


def raise_if_database_is_gone(exc: MLHealthError) -> None:
    """Without a database there is no next series to go on with."""
    from ml_core.errors import DatabaseUnavailableError

    if isinstance(exc, DatabaseUnavailableError):
        raise exc


def fit_all(
    requests: Sequence[TrainingRequest], options: FitOptions, execution: Execution
) -> list[Fitted | NotTrained]:
    """Fit each request on its own, wherever the backend puts it; a worker that dies takes only its own down."""
    if execution.backend == "sequential" or len(requests) < 2:
        return [fit(request, options) for request in requests]
    from concurrent.futures import BrokenExecutor

    from joblib import Parallel, delayed

    calls = [delayed(fit)(request, options) for request in requests]
    try:
        fitted: list[Fitted | NotTrained] = Parallel(n_jobs=execution.jobs, backend=execution.backend)(calls)
    except BrokenExecutor:
        logger.exception("a training worker died; its batch is trained series by series")
        return [_fit_apart(request, options, execution) for request in requests]
    return fitted


def _fit_apart(request: TrainingRequest, options: FitOptions, execution: Execution) -> Fitted | NotTrained:
    """Alone in a worker, so that whoever kills it is known."""
    from concurrent.futures import BrokenExecutor

    from joblib import Parallel, delayed

    try:
        # Two calls, because a single one would be made in this process.
        first, _ = Parallel(n_jobs=2, backend=execution.backend)([delayed(fit)(request, options), delayed(int)(0)])
    except BrokenExecutor:
        return NotTrained(problem=TrainingProblem.FAILED, reason="the process that trained it died")
    outcome: Fitted | NotTrained = first
    return outcome


def fit(request: TrainingRequest, options: FitOptions) -> Fitted | NotTrained:
    """Let the detector learn; whatever goes wrong with one series is its answer."""
    began = time.perf_counter()
    try:
        artifact = detector_of_kind(request.kind).fit(request.readings, options)
    except InsufficientDataError as exc:
        return NotTrained(problem=TrainingProblem.TOO_LITTLE, reason=str(exc))
    except UnmodellableSeriesError as exc:
        return NotTrained(problem=TrainingProblem.UNMODELLABLE, reason=str(exc))
    except MLHealthError as exc:
        return NotTrained(problem=TrainingProblem.FAILED, reason=str(exc))
    except Exception as exc:  # a surprise in one series never stops the others, and is never silent
        logger.exception("training series %s failed", request.series_id)
        return NotTrained(problem=TrainingProblem.FAILED, reason=f"{type(exc).__name__}: {exc}")
    # The same readings in two series make two artifacts, so that damage to one file concerns one series.
    artifact = replace(artifact, metadata={**artifact.metadata, "series_id": request.series_id})
    return Fitted(artifact=artifact, training_ms=(time.perf_counter() - began) * 1000)
