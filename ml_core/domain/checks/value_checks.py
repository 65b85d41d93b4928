"""Checks of the values that a sensor delivers: do they move, do they stay in range."""

from __future__ import annotations

from datetime import datetime
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


def check_flatline(window: LiveWindow, profile: TrainingProfile, *, policy: HealthPolicy) -> CheckResult:
    """Whether the sensor was stuck: one value in a row for longer than training ever made usual."""
    if profile.flat_run_p999 is None:
        return not_judged(CheckName.FLATLINE, "the model does not say how long its readings may stay equal")
    threshold = max(
        least_flat_readings(profile.median_interval_s, policy) - 1.0,
        policy.flatline_run_ratio * profile.flat_run_p999,
    )
    if len(window.readings) <= threshold:
        n = len(window.readings)
        return not_judged(CheckName.FLATLINE, f"{n} readings are too few to tell a stuck sensor")
    start, length = _longest_run(window.readings.values)
    since, until = (to_datetime(window.readings.timestamps[i]) for i in (start, start + length - 1))
    value, is_now = float(window.readings.values[start]), start + length == len(window.readings)
    verdict = Verdict.OK if length <= threshold else Verdict.FAIL if is_now else Verdict.WARN
    return CheckResult(
        check=CheckName.FLATLINE,
        verdict=verdict,
        reason=_flatline_words(verdict, value, "" if start else "at least ", since, until, length, threshold),
        value=float(length),
        threshold=threshold,
        evidence={"stuck_value": value, "since": since.isoformat(), "until": until.isoformat()},
    )


def least_flat_readings(interval_s: float | None, policy: HealthPolicy) -> int:
    """Equal readings in a row that count as stuck: fewer where they stand for hours."""
    if interval_s is None:
        return policy.flatline_min_readings
    in_hours = int(np.ceil(policy.flatline_min_hours * 3600 / interval_s))
    return min(policy.flatline_min_readings, max(policy.flatline_sparse_readings, in_hours))


def check_out_of_range(window: LiveWindow, profile: TrainingProfile, *, policy: HealthPolicy) -> CheckResult:
    """Share of the readings beyond the smallest and largest of training: more than chance and training's own days did.

    What a day did within training is usual (`largest_outside_share`), as an effect of drift is held against U.
    Chance is that of independent readings: a slow series that leaves its range once stays outside for hours. What
    lies outside by `out_of_range_far_ratio` times the range's width needs no such patience, nor where a whole day of
    training lay outside of the others' range, so that no share could be more than usual.
    """
    low, high = profile.value_min, profile.value_max
    n = len(window.readings)
    if low is None or high is None:
        return not_judged(CheckName.OUT_OF_RANGE, "the model does not know its training range")
    if n == 0:
        return not_judged(CheckName.OUT_OF_RANGE, f"no readings in {window.words}")
    outside = outside_range(window.readings.values, low, high)
    count, share = int(outside.sum()), float(outside.mean())
    usual = _usual_share(profile.usual_outside_share, policy.out_of_range_usual_ratio)
    verdict, threshold = grade_high(share, max(policy.out_of_range_warn, usual), max(policy.out_of_range_fail, usual))
    reason = f"{count} of {n} readings lie outside of the training range {low:.4g} to {high:.4g}"
    learned, memory = profile.n_readings or n, profile.memory_readings(window.readings.median_interval_s())
    by_chance = _extremes_by_chance(n / memory, learned / (profile.autocorrelation_time or 1.0))
    if verdict is not Verdict.OK and not is_beyond_chance(count / memory, by_chance, policy.chance_level):
        verdict, threshold = _grade_far(window.readings.values, low, high, learned, policy)
        if verdict is Verdict.OK:
            reason = f"{reason}; so few come by chance{_tell_memory(count, memory)}"
    elif verdict is Verdict.OK and share > policy.out_of_range_warn:
        if usual >= 1.0:
            verdict, far_threshold = _grade_far(window.readings.values, low, high, learned, policy)
            threshold = threshold if verdict is Verdict.OK else far_threshold
        if verdict is Verdict.OK:
            reason = f"{reason}; up to {usual:.0%} are usual, since a day of training left the others' range as well"
    return CheckResult(
        check=CheckName.OUT_OF_RANGE,
        verdict=verdict,
        reason=reason,
        value=share,
        threshold=threshold,
        evidence={
            "training_min": low,
            "training_max": high,
            "live_min": float(window.readings.values.min()),
            "live_max": float(window.readings.values.max()),
            "outside": count,
            "readings": n,
            "usual_outside_share": profile.usual_outside_share,
            "independent_outside": count / memory,
            "since": to_datetime(window.readings.timestamps[start_of_change(outside)]).isoformat() if count else None,
        },
    )


def _grade_far(
    values: NDArray[np.float64], low: float, high: float, learned: float, policy: HealthPolicy
) -> tuple[Verdict, float]:
    """The verdict on what lies far outside alone, each reading a case of its own, and the bound of its share."""
    margin = policy.out_of_range_far_ratio * (high - low)
    far = outside_range(values, low - margin, high + margin)
    verdict, threshold = grade_high(float(far.mean()), policy.out_of_range_warn, policy.out_of_range_fail)
    if not is_beyond_chance(int(far.sum()), _extremes_by_chance(values.size, learned), policy.chance_level):
        verdict = Verdict.OK
    return verdict, threshold


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


def _longest_run(values: NDArray[np.float64]) -> tuple[int, int]:
    """Start and length of the longest run of equal values; of equally long ones the newest."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    lengths = np.diff(np.append(starts, values.size))
    newest = lengths.size - 1 - int(np.argmax(lengths[::-1]))
    return int(starts[newest]), int(lengths[newest])


def _flatline_words(
    verdict: Verdict,
    value: float,
    at_least: str,
    since: datetime,
    until: datetime,
    length: int,
    threshold: float,
) -> str:
    if verdict is Verdict.OK:
        return f"the longest run of equal readings is {length}, up to {threshold:.0f} are usual"
    usual = f"({length} equal readings in a row, up to {threshold:.0f} are usual)"
    if verdict is Verdict.FAIL:
        return f"the sensor has been stuck at {value:.6g} since {at_least}{since:%Y-%m-%d %H:%M} UTC {usual}"
    return f"the sensor was stuck at {value:.6g} from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC {usual}"
