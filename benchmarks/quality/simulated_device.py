"""A device whose metrics share one swing, with a known fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.series import Readings, to_instant

Fault = Literal["machine", "shift", "ramp", "stuck", "restless", "none"]
ONSET = datetime(2025, 3, 6, 12, tzinfo=UTC)
STEP = timedelta(minutes=10)
FAR = 5.0
"""Standard deviations of a fault."""


def swing(rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    """A slow walk that comes back, on a daily wave."""
    walk = np.zeros(cells)
    pushes = rng.normal(size=cells)
    for i in range(1, cells):
        walk[i] = 0.98 * walk[i - 1] + 0.2 * pushes[i]
    found: NDArray[np.float64] = walk + np.sin(2 * np.pi * np.arange(cells) / 144)
    return found


def simulate(
    fault: Fault, *, seed: int, after: int = 12, metrics: int = 4, before: int = 700, noise: float = 0.3
) -> dict[str, Readings]:
    """Readings of a device of which `m0`, or all of it, changes at ONSET; `after` readings are known since."""
    rng = np.random.default_rng(seed)
    cells = before + 1 + after
    loads = rng.choice([-1, 1], metrics) * rng.uniform(0.5, 2, metrics)
    values = loads[:, None] * (swing(rng, cells) + noise * rng.normal(size=(metrics, cells)))
    usual = np.std(values, axis=1)
    sign = rng.choice([-1, 1])
    if fault == "machine":
        values[:, before:] += (sign * FAR * usual * np.sign(loads))[:, None]
    if fault == "shift":
        values[0, before:] += sign * FAR * usual[0]
    if fault == "ramp":
        values[0, before - 8 :] += sign * FAR * usual[0] * np.minimum(1, np.arange(after + 9) / 12)
    if fault == "stuck":
        values[0, before - 12 :] = values[0, before - 12]
    if fault == "restless":
        values[0, before - 3 :] += rng.normal(size=after + 4) * FAR / 2 * usual[0]
    stamps = to_instant(ONSET) + (np.arange(cells) - before) * np.timedelta64(STEP)
    return {f"m{j}": Readings(timestamps=stamps, values=row) for j, row in enumerate(values)}
