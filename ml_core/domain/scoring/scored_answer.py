"""What a detector's answer must look like before anything of it is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.errors import DetectorAnswerError

if TYPE_CHECKING:
    from ml_core.domain.series import Readings

_NO_FIGURES = np.empty(0)
NOTHING_SCORED = ScoredReadings(
    timestamps=np.empty(0, dtype="datetime64[us]"),
    values=_NO_FIGURES,
    scores=_NO_FIGURES,
    confidences=_NO_FIGURES,
    severities=_NO_FIGURES,
    band_low=_NO_FIGURES,
    band_high=_NO_FIGURES,
)
"""The answer to an empty batch."""

FINITE = ("scores", "confidences", "severities")
BANDS = ("band_low", "band_high")


def check_answer(scored: ScoredReadings, state: object, batch: Readings) -> None:
    """Raise DetectorAnswerError unless there is one finite answer a reading, in the order of the batch.

    The band may be missing (NaN) or open (infinite).
    """
    if not isinstance(state, bytes):
        raise DetectorAnswerError(f"the detector's state is {type(state).__name__}, bytes are needed")
    if not np.array_equal(scored.timestamps, batch.timestamps):
        raise DetectorAnswerError(f"the detector answered other readings than the {len(batch)} it was given")
    for name in (*FINITE, *BANDS):
        answers = getattr(scored, name)
        if answers.shape != (len(batch),):
            raise DetectorAnswerError(f"{name} has shape {answers.shape} for {len(batch)} readings")
        if name in FINITE and not np.isfinite(answers).all():
            raise DetectorAnswerError(f"{name} holds a value that is not finite")
    if scored.holds is not None and (scored.holds.shape != (len(batch),) or scored.holds.dtype != np.bool_):
        raise DetectorAnswerError(f"holds must be {len(batch)} truth values, one a reading")
    for position, reason in scored.reasons.items():
        try:
            json.dumps(reason, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise DetectorAnswerError(f"the reason at position {position} is not JSON: {exc}") from exc
