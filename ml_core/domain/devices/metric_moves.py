"""How far metrics moved around an onset, held against how far each of them moves anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES = ((1, 12), (6, 24), (24, 48))
"""Cells whose mean is held against the mean of the cells before them: jumps, steps and slow shifts."""
SPREAD = (24, 48)
"""The same for the size of steps between cells: what becomes restless, or stands still."""
DAY_S = 86_400.0
LEAST_DAYS = 3
LEAST_SLOTS = 8
"""Cells a day from which it has a course."""
WARM_UP = max(recent + past for recent, past in (*SCALES, SPREAD))
LOOKS_BACK = 12
"""Cells before an alarm in which its cause may already show."""
LEAST_FILLED = 0.5
"""Share of cells with a value below which a mean is not taken."""
FAR = 1e3
"""The size of a move of what never moved before."""
TINY_STEP = 0.05
"""Share of the usual step that is added to both sides of a ratio, so that standing still is a finite change."""


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Moves of several metrics, or of a residual.

    sizes: in robust standard deviations of the same change before the onset, signed, shape (channels, metrics, cells);
    the channels are SCALES, then the spread. strength: the largest of them around the onset, shape (metrics,).
    rarity: share of equally long stretches before that moved as much, the present one counted in, shape (metrics,).
    """

    sizes: NDArray[np.float64]
    strength: NDArray[np.float64]
    rarity: NDArray[np.float64]
    stretches: int
    first: int
    """The cell from which it is looked for."""

    def peak(self, metric: int) -> tuple[int, int]:
        """Channel and cell of a metric's largest move around the onset."""
        around = np.nan_to_num(np.abs(self.sizes[:, metric, self.first :]))
        channel, cell = np.unravel_index(int(np.argmax(around)), around.shape)
        return int(channel), self.first + int(cell)


def without_days(values: NDArray[np.float64], until: int, *, step_s: float) -> NDArray[np.float64]:
    """The values less the usual course of a day, as the cells before `until` show it.

    Metrics that only share a day's course say nothing of each other. As they are where too few days are known.
    """
    days = until * step_s / DAY_S
    slots = (np.arange(values.shape[1]) * step_s % DAY_S // step_s).astype(np.int64)
    if days < LEAST_DAYS or DAY_S / step_s < LEAST_SLOTS:
        return values
    known = np.isfinite(values[:, :until])
    width = int(slots.max()) + 1
    sums, counts = np.zeros((2, len(values), width))
    for metric, row in enumerate(values[:, :until]):
        sums[metric] = np.bincount(slots[:until][known[metric]], weights=row[known[metric]], minlength=width)
        counts[metric] = np.bincount(slots[:until][known[metric]], minlength=width)
    # An hour that has no value of its own is taken as the metric's mean.
    mean = sums.sum(axis=1, keepdims=True) / np.maximum(1, counts.sum(axis=1, keepdims=True))
    profile = np.where(counts > 0, sums / np.maximum(1, counts), mean)
    return values - profile[:, slots]


def changes_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recent mean less past mean at each cell, shape (scales, metrics, cells), for `values` (metrics, cells)."""
    # Sums of small numbers lose nothing: a level far from zero is taken off first.
    level = values - median_of_known(values, axis=1)[:, None]
    return np.array([_mean(level, recent) - _shift(_mean(level, past), recent) for recent, past in SCALES])


def spread_changes(values: NDArray[np.float64], onset: int) -> NDArray[np.float64]:
    """Logarithm of the ratio of recent to past steps at each cell, shape (metrics, cells)."""
    steps = np.abs(np.diff(values, axis=1, prepend=np.nan))
    usual = np.nansum(steps[:, :onset], axis=1, keepdims=True) / max(1, onset)
    floor = TINY_STEP * np.where(usual > 0, usual, 1.0)
    recent, past = SPREAD
    ratio = (_mean(steps, recent) + floor) / (_shift(_mean(steps, past), recent) + floor)
    log_ratio: NDArray[np.float64] = np.log(ratio)
    return log_ratio


def measure_moves(changes: NDArray[np.float64], onset: int) -> Moves:
    """Moves around the onset, of changes of shape (channels, metrics, cells)."""
    first = max(0, onset - LOOKS_BACK)
    before = changes[:, :, WARM_UP:first]
    sizes = _in_own_units(changes, before)
    largest = np.abs(np.nan_to_num(sizes)).max(axis=0)
    length = changes.shape[2] - first
    count = before.shape[2] // length
    # The stretches end where the present one begins.
    usual = largest[:, first - count * length : first].reshape(len(largest), count, length).max(axis=2, initial=0.0)
    strength = largest[:, first:].max(axis=1)
    rarity = (1 + (usual >= strength[:, None]).sum(axis=1)) / (1 + count)
    return Moves(sizes=sizes, strength=strength, rarity=rarity, stretches=count, first=first)


def _in_own_units(changes: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = robust_sd(before)[:, :, None]
    still = np.sign(changes) * FAR * (np.abs(changes) > 0)
    return np.where(scale > 0, changes / np.where(scale > 0, scale, 1.0), still)


def robust_sd(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median absolute deviation as a standard deviation along the last axis, else the plain one; 0 of a constant."""
    if values.shape[-1] == 0:
        return np.zeros(values.shape[:-1])
    middle = median_of_known(values, axis=-1)[..., None]
    mad = np.nan_to_num(1.4826 * median_of_known(np.abs(values - middle), axis=-1))
    plain = np.sqrt(np.nansum((values - middle) ** 2, axis=-1) / np.maximum(1, np.isfinite(values).sum(axis=-1)))
    found: NDArray[np.float64] = np.where(mad > 0, mad, plain)
    return found


def median_of_known(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """The median of what is not NaN; NaN where nothing is known."""
    is_empty = np.isnan(values).all(axis=axis, keepdims=True)
    found: NDArray[np.float64] = np.nanmedian(np.where(is_empty, 0.0, values), axis=axis)
    return np.where(np.squeeze(is_empty, axis=axis), np.nan, found)


def _mean(values: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Mean of the last `cells` cells at each one; NaN at the beginning, and where too few have a value."""
    known = np.isfinite(values)
    zero = np.zeros((len(values), 1))
    sums = np.concatenate([zero, np.cumsum(np.where(known, values, 0.0), axis=1)], axis=1)
    counts = np.concatenate([zero, np.cumsum(known, axis=1)], axis=1)
    total, count = sums[:, cells:] - sums[:, :-cells], counts[:, cells:] - counts[:, :-cells]
    enough = count >= max(1.0, LEAST_FILLED * cells)
    means = np.full(values.shape, np.nan)
    means[:, cells - 1 :] = np.divide(total, count, out=np.full(total.shape, np.nan), where=enough)
    return means


def _shift(values: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    moved = np.full(values.shape, np.nan)
    moved[:, cells:] = values[:, :-cells]
    return moved
