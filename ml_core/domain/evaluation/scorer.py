"""The seam between the evaluation and anything that scores readings: one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.detectors.detector import EMPTY_STATE, LEAST_READINGS, Detector, FitOptions
from ml_core.domain.evaluation.labelled_scores import LabelledScores, join_windows
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings
from ml_core.errors import DetectorAnswerError, InsufficientDataError, InvalidReadingsError, UnmodellableSeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = -1e300
"""The score of a reading that nobody could score: below all others, so that no threshold flags it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Scores (higher is stranger) and alarms at the scorer's own default threshold, each of shape (n,)."""

    scores: NDArray[np.float64]
    alarms: NDArray[np.bool_]


Scorer = Callable[[Readings, Readings], Answer]
"""Answers for the second readings, in order, from the first and what went before; it must not look ahead.

Raises InsufficientDataError or UnmodellableSeriesError where it cannot learn from the first.
"""


def score_series(series: LabelledSeries, scorer: Scorer) -> LabelledScores:
    """What `scorer` says of the series; a refusal is an answer without alarms that carries its reason."""
    n, refusal = len(series.scored), None
    try:
        answer = scorer(series.training, series.scored)
    except (InsufficientDataError, UnmodellableSeriesError) as exc:
        answer, refusal = Answer(scores=np.full(n, NEVER), alarms=np.zeros(n, dtype=np.bool_)), str(exc)
    if answer.scores.shape != (n,):
        raise DetectorAnswerError(f"{series.name}: {answer.scores.shape} scores for {n} readings; one each is needed")
    return LabelledScores(
        name=series.name,
        scores=answer.scores,
        alarms=answer.alarms,
        windows=series.windows,
        step_s=series.step_s,
        buffer=series.buffer,
        refusal=refusal,
    )


def join_metrics(device: str, metrics: Sequence[LabelledScores]) -> LabelledScores:
    """One device from its metrics of equal instants: the highest score, an alarm where any has one."""
    n = metrics[0].scores.size
    for metric in metrics:
        if metric.scores.size != n:
            raise InvalidReadingsError(
                f"{device}: {metric.name} has {metric.scores.size} scored readings, {metrics[0].name} has {n}; "
                f"the metrics of a device must have the same instants"
            )
    refusals = [metric.refusal for metric in metrics if metric.refusal is not None]
    return LabelledScores(
        name=device,
        scores=np.max([metric.scores for metric in metrics], axis=0),
        alarms=np.any([metric.alarms for metric in metrics], axis=0),
        windows=join_windows((window for metric in metrics for window in metric.windows), n),
        step_s=metrics[0].step_s,
        buffer=int(np.median([metric.buffer for metric in metrics])),
        refusal=refusals[0] if len(refusals) == len(metrics) else None,
    )


@dataclass(frozen=True, kw_only=True)
class DetectorScorer:
    """A detector of the platform as a scorer: fitted once, then updated in one ordered batch."""

    detector: Detector
    # Series of the benchmarks have short beginnings: a refusal for lack of readings would tell nothing.
    options: FitOptions = field(default_factory=lambda: replace(FitOptions(), min_readings=LEAST_READINGS))

    def __call__(self, training: Readings, scored: Readings) -> Answer:
        """The detector's own scores with the sign turned, and its own alarms."""
        artifact = self.detector.fit(training, self.options)
        answers, _ = self.detector.update(artifact, EMPTY_STATE, scored)
        return Answer(scores=-answers.scores, alarms=answers.is_anomaly)
