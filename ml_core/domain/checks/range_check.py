"""Do a sensor's values stay in the range that its model learned? More than chance and training's own days explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.checks.chance import is_beyond_chance
from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.grading import grade_high, not_judged
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import to_datetime
from ml_core.domain.training.training_profile import TrainingProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_out_of_range(window: LiveWindow, profile: TrainingProfile, *, policy: HealthPolicy) -> CheckResult:
    """Share of the readings beyond the smallest and largest of training, where either of two rules makes it count.

    Many lie outside: more than a day of training had (`largest_outside_share`) and than chance gives. Chance is that
    of independent readings: a slow series that leaves its range once stays outside for hours. Or they lie far
    outside, by `out_of_range_far_ratio` times the range's width: each such reading is a case of its own.
    """
    low, high, values = profile.value_min, profile.value_max, window.readings.values
    if low is None or high is None:
        return not_judged(CheckName.OUT_OF_RANGE, "the model does not know its training range")
    if values.size == 0:
        return not_judged(CheckName.OUT_OF_RANGE, f"no readings in {window.words}")
    outside = outside_range(values, low, high)
    memory = profile.memory_readings(window.readings.median_interval_s())
    verdict, threshold, excuse = _judge_many(outside, memory, profile, policy)
    if verdict is not Verdict.FAIL:
        far, far_threshold = _judge_far(values, low, high, profile, policy)
        if far is Verdict.FAIL or verdict is Verdict.OK:
            verdict, threshold = far, threshold if far is Verdict.OK else far_threshold
    told = f"{int(outside.sum())} of {values.size} readings lie outside of the training range {low:.4g} to {high:.4g}"
    return CheckResult(
        check=CheckName.OUT_OF_RANGE,
        verdict=verdict,
        reason=f"{told}; {excuse}" if excuse and verdict is Verdict.OK else told,
        value=float(outside.mean()),
        threshold=threshold,
        evidence=_evidence(window, outside, memory, profile),
    )


def _judge_many(
    outside: NDArray[np.bool_], memory: float, profile: TrainingProfile, policy: HealthPolicy
) -> tuple[Verdict, float, str]:
    """The verdict on how many lie outside, the bound of their share, and what excuses those that are over it."""
    n, count, share = outside.size, int(outside.sum()), float(outside.mean())
    usual = _usual_share(profile.usual_outside_share, policy.out_of_range_usual_ratio)
    verdict, threshold = grade_high(share, max(policy.out_of_range_warn, usual), max(policy.out_of_range_fail, usual))
    by_chance = _extremes_by_chance(n / memory, (profile.n_readings or n) / (profile.autocorrelation_time or 1.0))
    if verdict is not Verdict.OK and not is_beyond_chance(count / memory, by_chance, policy.chance_level):
        return Verdict.OK, threshold, f"so few come by chance{_tell_memory(count, memory)}"
    if verdict is Verdict.OK and share > policy.out_of_range_warn:
        return (
            verdict,
            threshold,
            f"up to {usual:.0%} are usual, since a day of training left the others' range as well",
        )
    return verdict, threshold, ""


def _judge_far(
    values: NDArray[np.float64], low: float, high: float, profile: TrainingProfile, policy: HealthPolicy
) -> tuple[Verdict, float]:
    """The verdict on what lies far outside alone, and the bound of its share."""
    margin = policy.out_of_range_far_ratio * (high - low)
    far = outside_range(values, low - margin, high + margin)
    verdict, threshold = grade_high(float(far.mean()), policy.out_of_range_warn, policy.out_of_range_fail)
    by_chance = _extremes_by_chance(values.size, profile.n_readings or values.size)
    return (verdict if is_beyond_chance(int(far.sum()), by_chance, policy.chance_level) else Verdict.OK), threshold


def _evidence(
    window: LiveWindow, outside: NDArray[np.bool_], memory: float, profile: TrainingProfile
) -> dict[str, float | str | None]:
    readings, count = window.readings, int(outside.sum())
    return {
        "training_min": profile.value_min,
        "training_max": profile.value_max,
        "live_min": float(readings.values.min()),
        "live_max": float(readings.values.max()),
        "outside": count,
        "readings": outside.size,
        "usual_outside_share": profile.usual_outside_share,
        "independent_outside": count / memory,
        "since": to_datetime(readings.timestamps[start_of_change(outside)]).isoformat() if count else None,
    }


def _extremes_by_chance(n: float, learned: float) -> float:
    """How many of n independent readings of a healthy series lie outside of the range of `learned` ones.

    Each is a new smallest or largest with probability 2 / (learned + 1).
    """
    return 2.0 * n / (learned + 1.0)


def _tell_memory(count: int, memory: float) -> str:
    if memory < 2:
        return ""
    return f" ({memory:.0f} in a row tell as much as one, so these as much as {count / memory:.1f})"


def _usual_share(seen: float | None, ratio: float) -> float:
    """The share outside that is usual: `ratio` times what training saw, at most half-way from there to everything."""
    return 0.0 if seen is None else min(ratio * seen, (1.0 + seen) / 2.0)


def outside_range(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Which values lie outside of [low, high], shape (n,)."""
    return (values < low) | (values > high)


def start_of_change(outside: NDArray[np.bool_]) -> int:
    """Where readings began to lie outside: the first one from which at least half do, else the first one."""
    share_from = np.cumsum(outside[::-1])[::-1] / np.arange(outside.size, 0, -1)
    begun = np.flatnonzero(outside & (share_from >= 0.5))
    return int(begun[0]) if begun.size else int(np.argmax(outside))
