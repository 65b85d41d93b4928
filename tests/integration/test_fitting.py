"""Fitting in real worker processes: one that dies takes only its own series down."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ml_core.domain.detector import FitOptions
from ml_core.domain.model_version import TrainingCause
from ml_core.domain.series import Readings
from ml_core.services.fitting import Execution, Fitted, NotTrained, TrainingProblem, TrainingRequest, fit_all
from tests.integration.trained_site import healthy

WORKERS = Execution(backend="loky", jobs=2)


class LethalReadings(Readings):
    """Readings whose arrival ends the process, as running out of memory would."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


def request(series_id: int, kind: type[Readings] = Readings) -> TrainingRequest:
    """A series of enough readings."""
    stamps = np.datetime64("2025-01-01", "us") + np.arange(300) * np.timedelta64(600, "s")
    return TrainingRequest(
        series_id=series_id,
        kind="isolation_forest",
        readings=kind(timestamps=stamps, values=healthy(300)),
        cause=TrainingCause.FIRST,
    )


def test_dying_worker_takes_only_its_own_series_down() -> None:
    """Of a batch whose worker is killed every other series is still trained, and the culprit is named."""
    requests = [request(1), request(2, LethalReadings), request(3), request(4)]

    outcomes = fit_all(requests, FitOptions(), WORKERS)

    assert [type(outcome) for outcome in outcomes] == [Fitted, NotTrained, Fitted, Fitted]
    assert outcomes[1] == NotTrained(problem=TrainingProblem.FAILED, reason="the process that trained it died")


def test_batch_of_one_dies_in_a_worker_too() -> None:
    """The last series of a run, alone in its batch, cannot take the run down either."""
    (outcome,) = fit_all([request(1, LethalReadings)], FitOptions(), WORKERS)

    assert isinstance(outcome, NotTrained)
