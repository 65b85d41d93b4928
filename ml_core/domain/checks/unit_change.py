"""Has a sensor begun to report in another unit? Known conversions of the training values are tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.grading import not_judged
from ml_core.domain.checks.range_check import outside_range, start_of_change
from ml_core.domain.series import to_datetime
from ml_core.domain.training.training_profile import TrainingProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_READINGS = 10
"""Fewer readings have no shape to compare."""
LEAST_SHARE_EXPLAINED = 0.95
"""Share of the readings that a conversion must bring back into the training range."""
MAX_DISTANCE = 1.5
"""How far converted readings may lie from training on average, in training IQRs: a day is no month."""
MAX_SPREAD_RATIO = 2.0
"""A day of a series spreads little wider than its month, so a conversion that needs more explains nothing."""
STEP_READINGS = 3
"""Readings on each side of a change whose medians make its step."""
STEP_EXPLAINED = 1 / 3
"""What a conversion may leave of the step at most."""
LEVELS = np.linspace(0.05, 0.95, 19)


class Dimension(StrEnum):
    """What a metric measures, as far as its name tells."""

    TEMPERATURE = "temperature"
    PRESSURE = "pressure"
    FLOW = "flow"
    SPEED = "speed"
    LENGTH = "length"
    ANY = "any"


_HINTS = {
    Dimension.TEMPERATURE: ("temp",),
    Dimension.PRESSURE: ("press", "vacuum"),
    Dimension.FLOW: ("flow",),
    Dimension.SPEED: ("speed", "velocity", "wind"),
    Dimension.LENGTH: ("level", "length", "distance", "height", "depth", "position"),
}


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """new = old * factor + offset."""

    words: str
    dimension: Dimension
    factor: float
    offset: float = 0.0

    @property
    def formula(self) -> str:
        """How people write it."""
        factor = f" x {self.factor:.6g}" if self.factor != 1 else ""
        offset = f" {'+' if self.offset > 0 else '-'} {abs(self.offset):.6g}" if self.offset else ""
        return f"the training values{factor}{offset}"

    def undo(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in the unit of training."""
        return (values - self.offset) / self.factor


def _both_ways(
    dimension: Dimension, one: str, other: str, factor: float, offset: float = 0.0
) -> tuple[Conversion, Conversion]:
    return (
        Conversion(words=f"{one} to {other}", dimension=dimension, factor=factor, offset=offset),
        Conversion(words=f"{other} to {one}", dimension=dimension, factor=1 / factor, offset=-offset / factor),
    )


CONVERSIONS: tuple[Conversion, ...] = (
    *_both_ways(Dimension.TEMPERATURE, "degrees Celsius", "degrees Fahrenheit", 1.8, 32.0),
    *_both_ways(Dimension.TEMPERATURE, "degrees Celsius", "kelvin", 1.0, 273.15),
    *_both_ways(Dimension.TEMPERATURE, "kelvin", "degrees Fahrenheit", 1.8, -459.67),
    *_both_ways(Dimension.FLOW, "litres per second", "cubic metres per hour", 3.6),
    *_both_ways(Dimension.FLOW, "litres per second", "litres per minute", 60.0),
    *_both_ways(Dimension.FLOW, "cubic metres per hour", "litres per minute", 1000 / 60),
    *_both_ways(Dimension.FLOW, "US gallons per minute", "litres per minute", 3.785411784),
    *_both_ways(Dimension.SPEED, "metres per second", "kilometres per hour", 3.6),
    *_both_ways(Dimension.SPEED, "miles per hour", "kilometres per hour", 1.609344),
    *_both_ways(Dimension.PRESSURE, "bar", "psi", 14.503773773),
    *_both_ways(Dimension.PRESSURE, "psi", "kilopascals", 6.894757293),
    *_both_ways(Dimension.PRESSURE, "bar", "kilopascals", 100.0),
    *_both_ways(Dimension.PRESSURE, "bar", "pascals", 100_000.0),
    *_both_ways(Dimension.LENGTH, "metres", "feet", 3.280839895),
    *_both_ways(Dimension.LENGTH, "inches", "millimetres", 25.4),
    *_both_ways(Dimension.ANY, "a unit", "its thousandth", 1000.0),
    *_both_ways(Dimension.ANY, "a share", "per cent", 100.0),
)


def dimension_of(metric: str) -> Dimension:
    """What a metric measures by its name; ANY where the name does not tell."""
    name = metric.casefold()
    return next((kind for kind, words in _HINTS.items() if any(word in name for word in words)), Dimension.ANY)


def check_unit_change(
    window: LiveWindow, profile: TrainingProfile, *, out_of_range: Verdict, metric: str
) -> CheckResult:
    """Whether a known conversion brings readings that left the training range back into it."""
    if out_of_range is Verdict.UNKNOWN:
        return not_judged(CheckName.UNIT_CHANGE, "not judged: nothing is known of the range")
    if out_of_range is not Verdict.FAIL:
        return CheckResult(
            check=CheckName.UNIT_CHANGE, verdict=Verdict.OK, reason="the readings keep to their range, or nearly so"
        )
    if profile.quantiles is None or profile.value_min is None or profile.value_max is None:
        return not_judged(CheckName.UNIT_CHANGE, "the model does not know how its training values spread")
    start = start_of_change(outside_range(window.readings.values, profile.value_min, profile.value_max))
    before, values = window.readings.values[:start], window.readings.values[start:]
    if values.size < MIN_READINGS:
        return not_judged(CheckName.UNIT_CHANGE, f"{values.size} readings since are too few to compare")
    found = best_conversion(values, profile.quantiles, metric, before=before)
    if found is None:
        return CheckResult(
            check=CheckName.UNIT_CHANGE, verdict=Verdict.OK, reason="no known conversion of units explains the readings"
        )
    since = to_datetime(window.readings.timestamps[start])
    # A change that is older than the window has its time in the finding that first told it.
    seen = f"since {since:%Y-%m-%d %H:%M} UTC " if start > 0 else ""
    return CheckResult(
        check=CheckName.UNIT_CHANGE,
        verdict=Verdict.FAIL,
        reason=f"{seen}the readings look like {found.formula} ({found.words})",
        value=found.factor,
        evidence={
            "conversion": found.words,
            "factor": found.factor,
            "offset": found.offset,
            "since": since.isoformat(),
            "training_median": float(np.median(profile.quantiles)),
            "live_median": float(np.median(values)),
        },
    )


def best_conversion(
    values: NDArray[np.float64],
    training_quantiles: NDArray[np.float64],
    metric: str,
    *,
    before: NDArray[np.float64],
) -> Conversion | None:
    """The conversion of the training values that fits best, those of the metric's dimension first.

    `before` are the readings just before the change, perhaps none. A unit changes from one reading to the
    next: where the moment was seen, a drift that only ends up in the right place is none. Where it was not
    seen, only conversions that fit the metric's name are believed.
    """
    dimension = dimension_of(metric)
    seen_at_once = before.size > 0
    tried = ((dimension,), (Dimension.ANY,), tuple(Dimension)) if seen_at_once else ((dimension,), (Dimension.ANY,))
    for kinds in tried:
        distances = {
            conversion: _distance(conversion.undo(values), training_quantiles)
            for conversion in CONVERSIONS
            if conversion.dimension in kinds and (not seen_at_once or _is_jump(conversion, before, values))
        }
        best = min(distances, key=distances.__getitem__, default=None)
        if best is not None and distances[best] <= MAX_DISTANCE:
            return best
    return None


def _is_jump(conversion: Conversion, before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether the conversion explains the step at the change far better than no conversion does."""
    last, first = np.median(before[-STEP_READINGS:]), np.median(after[:STEP_READINGS])
    unexplained = abs(float(conversion.undo(np.array([first]))[0] - last))
    return unexplained < STEP_EXPLAINED * abs(float(first - last))


def _distance(values: NDArray[np.float64], training: NDArray[np.float64]) -> float:
    """Mean distance of quantiles in training IQRs; infinite where range or spread do not fit."""
    low, high = float(training[0]), float(training[-1])
    unit = float(np.subtract(*np.quantile(training, [0.75, 0.25]))) or (high - low) or 1.0
    margin = 0.05 * (high - low)
    if outside_range(values, low - margin, high + margin).mean() > 1 - LEAST_SHARE_EXPLAINED:
        return float("inf")
    spread = float(np.subtract(*np.quantile(values, [0.9, 0.1])))
    if spread > MAX_SPREAD_RATIO * max(float(np.subtract(*np.quantile(training, [0.9, 0.1]))), unit):
        return float("inf")
    return float(np.abs(np.quantile(values, LEVELS) - np.quantile(training, LEVELS)).mean()) / unit
