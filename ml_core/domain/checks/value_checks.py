"""Do the values that a sensor delivers move?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.grading import not_judged
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
