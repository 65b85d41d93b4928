"""Series made by whole-number arithmetic, so that recorded figures hold on every machine."""

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.evaluation.labelled_scores import EventWindow, LabelledScores


def residues(n: int, multiplier: int, modulus: int) -> NDArray[np.float64]:
    """i * multiplier mod modulus as a share of modulus: spread like noise, equal everywhere."""
    return (np.arange(n) * multiplier % modulus) / modulus


def labelled(
    scores: NDArray[np.float64], *windows: tuple[int, int], alarms: NDArray[np.bool_] | None = None, name: str = "a"
) -> LabelledScores:
    """Scores with events; alarms by default where a score is over 0.5."""
    return LabelledScores(
        name=name,
        scores=scores,
        alarms=scores > 0.5 if alarms is None else alarms,
        windows=[EventWindow(first=first, last=last) for first, last in windows],
        step_s=600.0,
        buffer=10,
    )


def flags(n: int, *places: int) -> NDArray[np.bool_]:
    """n readings, flagged at the places."""
    alarms = np.zeros(n, dtype=np.bool_)
    alarms[list(places)] = True
    return alarms
