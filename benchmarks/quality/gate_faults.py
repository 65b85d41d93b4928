"""Weeks that a challenger must not learn from: a healthy one, spoilt in one way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.series import Readings

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEALTHY = "healthy"
NOISE_FACTOR = 3.0
FAHRENHEIT = (1.8, 32.0)

Spoiling = Callable[["NDArray[np.float64]", slice, float], None]
"""Spoils values in place: given the half that it may spoil, and the size of a shift with its sign."""


def _shift_half(values: NDArray[np.float64], half: slice, size: float) -> None:
    values[half] += size


def _noise_half(values: NDArray[np.float64], half: slice, size: float) -> None:
    centre = values[half].mean()
    values[half] = centre + NOISE_FACTOR * (values[half] - centre)


def _stuck_half(values: NDArray[np.float64], half: slice, size: float) -> None:
    values[half] = values[half][0]


def _unit_half(values: NDArray[np.float64], half: slice, size: float) -> None:
    factor, offset = FAHRENHEIT
    values[half] = values[half] * factor + offset


def _shift_all(values: NDArray[np.float64], half: slice, size: float) -> None:
    values += size


def _ramp(values: NDArray[np.float64], half: slice, size: float) -> None:
    values += np.linspace(0.0, 2.0 * size, values.size)


SPOILINGS: Mapping[str, Spoiling] = {
    "shift half the week": _shift_half,
    "noise x3 half": _noise_half,
    "stuck half": _stuck_half,
    "unit half": _unit_half,
    "shift all": _shift_all,
    "ramp": _ramp,
}


def spoil(week: Readings, kind: str, *, deviation: float, size: float, seed: int) -> Readings:
    """The week with that fault in it; shifts are `size` deviations up or down, a ramp ends at twice that.

    Which half is spoilt and in which direction is drawn by the seed, the same for every kind.
    """
    rng = np.random.default_rng(seed)
    middle = len(week) // 2
    half = slice(middle, None) if rng.random() < 0.5 else slice(0, middle)
    values = week.values.copy()
    if kind != HEALTHY:
        SPOILINGS[kind](values, half, float(size * deviation * rng.choice([-1.0, 1.0])))
    return replace(week, values=values)
