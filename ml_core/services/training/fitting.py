"""Fitting: readings in, what a detector learned out, or the reason why not; in this process or spread over workers."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum

from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.model_version import TrainingCause
from ml_core.domain.series import Readings
from ml_core.errors import InsufficientDataError, MLHealthError, UnmodellableSeriesError
from ml_core.services.training.worker_life import watched_by

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
class Execution:
    """How fitting is spread: a joblib backend and its number of workers, -1 for one a core."""

    backend: str = "sequential"
    jobs: int = -1


def fit_all(
    requests: Sequence[TrainingRequest],
    options: FitOptions,
    execution: Execution,
    *,
    suspects: Collection[int] = (),
    stop_if_asked: Callable[[], None] = lambda: None,
) -> list[Fitted | NotTrained]:
    """Fit each request on its own, wherever the backend puts it; one answer a request, in order.

    A worker that dies takes only its own series down. Suspects, at which a process has died before, are each
    fitted alone in a worker even where everything else is fitted in this process. `stop_if_asked` is called
    between two series and may raise.
    """
    trusted = [request for request in requests if request.series_id not in suspects]
    apart = [request for request in requests if request.series_id in suspects]
    outcomes = _fit_together(trusted, options, execution, stop_if_asked) | _fit_each_apart(
        apart, options, stop_if_asked
    )
    return [outcomes[request.series_id] for request in requests]


def _fit_together(
    requests: Sequence[TrainingRequest],
    options: FitOptions,
    execution: Execution,
    stop_if_asked: Callable[[], None],
) -> dict[int, Fitted | NotTrained]:
    if execution.backend == "loky" and len(requests) == 1:
        return _fit_each_apart(requests, options, stop_if_asked)
    outcomes: dict[int, Fitted | NotTrained] = {}
    try:
        with warnings.catch_warnings(), closing(_spread(requests, options, execution)) as results:
            # A run that was asked to stop leaves answers untaken, and means to.
            warnings.filterwarnings("ignore", message=".*limit unnecessary computation time")
            for request, outcome in zip(requests, results, strict=True):
                outcomes[request.series_id] = outcome
                if len(outcomes) < len(requests):  # the last one's end is the batch's, which is worth keeping
                    stop_if_asked()
    except BrokenExecutor:
        logger.exception("a training worker died; its batch is trained series by series")
        return _fit_each_apart(requests, options, stop_if_asked)
    return outcomes


def _spread(
    requests: Sequence[TrainingRequest], options: FitOptions, execution: Execution
) -> Generator[Fitted | NotTrained, None, None]:
    """Answers in order, as they come."""
    if execution.backend == "sequential" or not requests:
        return (fit(request, options) for request in requests)
    from joblib import Parallel, delayed

    life = watched_by(os.getpid()) if execution.backend == "loky" else {}
    answers: Generator[Fitted | NotTrained, None, None] = Parallel(
        n_jobs=execution.jobs, backend=execution.backend, return_as="generator", **life
    )(delayed(fit)(request, options) for request in requests)
    return answers


def _fit_each_apart(
    requests: Sequence[TrainingRequest], options: FitOptions, stop_if_asked: Callable[[], None]
) -> dict[int, Fitted | NotTrained]:
    outcomes: dict[int, Fitted | NotTrained] = {}
    for request in requests:
        stop_if_asked()
        outcomes[request.series_id] = _fit_apart(request, options)
    return outcomes


def _fit_apart(request: TrainingRequest, options: FitOptions) -> Fitted | NotTrained:
    """Alone in a worker process, so that whoever kills it is known."""
    from joblib import Parallel, delayed

    try:
        # Two calls, because a single one would be made in this process.
        calls = [delayed(fit)(request, options), delayed(os.getpid)()]
        first, _ = Parallel(n_jobs=2, backend="loky", **watched_by(os.getpid()))(calls)
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
