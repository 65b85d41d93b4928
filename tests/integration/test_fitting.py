"""Fitting in real worker processes: one that dies takes only its own series down."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.model_version import TrainingCause
from ml_core.domain.series import Readings
from ml_core.services.runs import RunStopped
from ml_core.services.training.fitting import Execution, Fitted, NotTrained, TrainingProblem, TrainingRequest, fit_all
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


def test_suspect_is_fitted_outside_of_this_process() -> None:
    """A series at which a process has died cannot take down a run that trains in its own process."""
    requests = [request(1), request(2, LethalReadings), request(3)]

    outcomes = fit_all(requests, FitOptions(), Execution(), suspects={2, 3})

    assert [type(outcome) for outcome in outcomes] == [Fitted, NotTrained, Fitted]


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_request_to_stop_is_heard_between_two_series(backend: str) -> None:
    """A batch of fifty is not trained to its end first."""
    asked = iter([False, True])

    def stop_if_asked() -> None:
        if next(asked):
            raise RunStopped

    with pytest.raises(RunStopped):
        fit_all(
            [request(number) for number in range(8)],
            FitOptions(),
            Execution(backend=backend, jobs=2),
            stop_if_asked=stop_if_asked,
        )


def test_batch_of_one_dies_in_a_worker_too() -> None:
    """The last series of a run, alone in its batch, cannot take the run down either."""
    (outcome,) = fit_all([request(1, LethalReadings)], FitOptions(), WORKERS)

    assert isinstance(outcome, NotTrained)
