"""Faults put into clean readings, to see which of them a model notices; the same faults every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.series_profile import robust_sd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings

SEED = 20_240_229
EVENT_READINGS = 20
"""How long a fault lasts; a spike is one reading."""
EVENT_EVERY = 3
"""One event in so many stretches of EVENT_READINGS: the rest stays as it was."""
MAGNITUDES = (3.0, 6.0)
"""Sizes of a fault in robust standard deviations of the series."""

Fault = Callable[["NDArray[np.float64]", float, np.random.Generator], "NDArray[np.float64]"]
"""Changes a stretch of values by a size in the metric's unit."""


@dataclass(frozen=True, kw_only=True)
class InjectedFaults:
    """Readings with one kind of fault in them, and where: each event is a slice of positions."""

    kind: str
    magnitude: float
    readings: Readings
    events: tuple[slice, ...]

    def recall(self, is_anomaly: NDArray[np.bool_]) -> float:
        """The share of events with an alarm in them, in [0, 1]."""
        return float(np.mean([is_anomaly[event].any() for event in self.events]))


def _spike(values: NDArray[np.float64], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    spiked = values.copy()
    spiked[values.size // 2] += size * rng.choice([-1.0, 1.0])
    return spiked


def _level_shift(values: NDArray[np.float64], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = values + size * rng.choice([-1.0, 1.0])
    return shifted


def _ramp(values: NDArray[np.float64], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    ramped: NDArray[np.float64] = values + np.linspace(0.0, size, values.size) * rng.choice([-1.0, 1.0])
    return ramped


def _flatline(values: NDArray[np.float64], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.full_like(values, values[0] + size * rng.choice([-1.0, 1.0]))


def _variance_burst(values: NDArray[np.float64], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return values + rng.normal(0.0, size / 2.0, values.size)


FAULTS: Mapping[str, Fault] = {
    "spike": _spike,
    "level_shift": _level_shift,
    "ramp": _ramp,
    "flatline": _flatline,
    "variance_burst": _variance_burst,
}
"""A flatline sticks off its level: of one that sticks within its range no model of values can know, a check does."""


def inject_faults(clean: Readings) -> list[InjectedFaults]:
    """Each fault at each magnitude, put at the same places into `clean`; none into fewer than two stretches."""
    events = _events(len(clean))
    if not events:
        return []
    unit = robust_sd(clean.values)
    return [
        InjectedFaults(
            kind=kind,
            magnitude=magnitude,
            readings=replace(clean, values=_inject(clean.values, events, fault, magnitude * unit)),
            events=events,
        )
        for kind, fault in FAULTS.items()
        for magnitude in MAGNITUDES
    ]


def _events(n: int) -> tuple[slice, ...]:
    stretches = range(1, n // EVENT_READINGS, EVENT_EVERY)
    return tuple(slice(i * EVENT_READINGS, (i + 1) * EVENT_READINGS) for i in stretches)


def _inject(values: NDArray[np.float64], events: tuple[slice, ...], fault: Fault, size: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(SEED)
    faulty = values.copy()
    for event in events:
        faulty[event] = fault(values[event], size, rng)
    return faulty
