"""Whether new readings are distributed as gold is: each half, measured by how far gold's own parts lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.degradation.block_history import largest_distances
from ml_core.domain.degradation.drift import DriftStatistic, autocorrelation_time, ks_effective
from ml_core.domain.figures import tell_apart
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "G3 no drift from gold"
N_PARTS = 2
"""A fault that began within the window fills one half of it, or most of one; more parts are noisier."""
LEAST_PART = 30
"""Readings of a part below which its distribution says too little."""


@dataclass(frozen=True, kw_only=True)
class PartDistance:
    """How far one part of a window lies from gold."""

    words: str
    test: DriftStatistic


def check_no_drift(gold: Readings | None, fresh: Readings, training: Readings, policy: GatePolicy) -> GateCheck:
    """G3: no half of the new readings lies further from gold than gold's own parts lie from each other.

    The distance is Kolmogorov's, D = max |F(x) - G(x)|. Accepted is the larger of `drift_distance` and the largest
    D between a stretch of gold as long as a half and the rest of gold, with a margin on top: the more such
    stretches gold holds, the more of what is usual it has shown, and the less is granted beyond.
    """
    if gold is None or len(gold) < N_PARTS * LEAST_PART:
        return _not_compared("the series has no gold window")
    # What is new is asked: thirty days of readings that the champion knows would hide a bad one.
    window = fresh if len(fresh) >= N_PARTS * LEAST_PART else training
    if len(window) < N_PARTS * LEAST_PART:
        return _not_compared(f"{len(window)} readings are too few to compare")
    stretch = _stretch(gold, window)
    usual = largest_distances(gold.values, stretch).kolmogorov
    most = max(policy.drift_distance, usual + policy.drift_margin * (N_PARTS * stretch / len(gold)) ** 2)
    if most >= 1:
        return _not_compared(f"unknown: gold's own parts lie D = {usual:.2f} apart, so that nothing could stand out")
    farthest = max(_measure(gold, window), key=lambda part: part.test.statistic)
    distance, accepted = tell_apart(farthest.test.statistic, most)
    passed = farthest.test.statistic <= most
    told = "is as near to gold as its own parts are" if passed else "is further from gold than its own parts ever were"
    return GateCheck(
        name=NAME,
        passed=passed,
        value=farthest.test.statistic,
        threshold=most,
        reason=f"{farthest.words} {told}: D = {distance}, up to {accepted} is accepted where "
        f"those lie {usual:.2f} apart (p = {farthest.test.p_value:.2g} on "
        f"{farthest.test.n_effective:.0f} independent readings)",
    )


def _not_compared(why: str) -> GateCheck:
    return GateCheck(name=NAME, passed=True, reason=why if why.startswith("unknown") else f"not compared: {why}")


def _stretch(gold: Readings, window: Readings) -> int:
    """How many readings of gold last as long as one half of the window: gold may be thinned, or read otherwise."""
    gold_s, window_s = _span_s(gold), _span_s(window)
    share = window_s / N_PARTS / gold_s if gold_s > 0 else 1 / N_PARTS
    return int(np.clip(round(share * len(gold)), LEAST_PART, len(gold) // N_PARTS))


def _span_s(readings: Readings) -> float:
    return float((readings.timestamps[-1] - readings.timestamps[0]) / np.timedelta64(1, "s"))


def _measure(gold: Readings, window: Readings) -> list[PartDistance]:
    memory = autocorrelation_time(gold.values)
    # The memory is gold's, carried over by its length in time: a fault in the window would look like memory.
    gold_s, window_s = gold.median_interval_s(), window.median_interval_s()
    window_memory = max(1.0, memory * gold_s / window_s) if gold_s and window_s else memory
    halves: list[NDArray[np.float64]] = np.array_split(window.values, N_PARTS)
    return [
        PartDistance(words=words, test=ks_effective(gold.values, half, reference_tau=memory, live_tau=window_memory))
        for words, half in zip(
            ("the older half of the new readings", "the newer half of the new readings"), halves, strict=True
        )
    ]
