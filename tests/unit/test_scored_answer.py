"""What a detector answers is looked at before anything of it is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.scoring.scored_answer import NOTHING_SCORED, check_answer
from ml_core.domain.series import Readings
from ml_core.errors import DetectorAnswerError
from tests.detectors import score_around

STAMPS = np.array(["2025-03-01T10:00", "2025-03-01T10:01"], dtype="datetime64[us]")
BATCH = Readings.clean(STAMPS, [0.0, 9.0])
ANSWER = score_around(BATCH, np.zeros(2), 1.0)


def _changed(**changes: Any) -> ScoredReadings:
    return replace(ANSWER, **changes)


def test_a_sound_answer_passes() -> None:
    """One finite answer a reading, with reasons that are JSON; none for an empty batch."""
    check_answer(ANSWER, b"", BATCH)
    check_answer(NOTHING_SCORED, b"", Readings.clean(STAMPS[:0], []))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_changed(timestamps=STAMPS[::-1]), "other readings than the 2"),
        (_changed(scores=np.zeros(3)), r"scores has shape \(3,\) for 2 readings"),
        (_changed(confidences=np.array([0.5, np.inf])), "confidences holds a value that is not finite"),
        (_changed(reasons={1: {"z": float("nan")}}), "reason at position 1 is not JSON"),
        (_changed(reasons={1: {"z": object()}}), "reason at position 1 is not JSON"),
    ],
)
def test_an_unsound_answer_is_refused_in_words(answer: ScoredReadings, words: str) -> None:
    """The message names what is wrong and where."""
    with pytest.raises(DetectorAnswerError, match=words):
        check_answer(answer, b"", BATCH)


def test_a_state_that_is_no_bytes_is_refused() -> None:
    """A state is saved as bytes, so anything else cannot be."""
    with pytest.raises(DetectorAnswerError, match="state is dict, bytes are needed"):
        check_answer(ANSWER, {"level": 1.0}, BATCH)
