"""Has what a model sees moved away from what it learned? The test of one model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ml_core.domain.degradation.block_history import largest_distances
from ml_core.domain.degradation.drift import (
    autocorrelation_time,
    in_iqrs,
    ks_effective,
    seasonless_autocorrelation_time,
    wasserstein_in_iqr,
)
from ml_core.domain.degradation.variability import compare_variability
from ml_core.domain.policies import DriftPolicy

if TYPE_CHECKING:
    from numpy.typing import NDArray

Sample = TypeVar("Sample", "Reference", "LiveSample")

SECONDS_A_DAY = 86_400.0
MIN_SEASON_DAYS = 7
"""Days of training from which its daily profile is known well enough to be taken out."""
MIN_READINGS_A_DAY = 8
"""Fewer readings have no daily profile."""
WHOLE_DAY_TOLERANCE = 0.1
"""Of a day: a few readings are always missing."""
WIDENING_MARGIN = 1.1
"""A little more than the arithmetic asks for, since readings come unevenly."""
MAX_PART = 0.5
"""Parts of the reference that tell what is usual are at most this share of it."""


class Aspect(StrEnum):
    """What of the readings is compared."""

    VALUES = "values"
    SCORES = "scores"
    VARIABILITY = "variability"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a model keeps of its training: values and the scores it gives them, in time order, shape (n,)."""

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    interval_s: float | None = None

    def memories(self, live_readings: float) -> tuple[float, float]:
        """How many consecutive values, and scores, tell as much as one independent one.

        A daily season is no memory where whole days are compared with whole days: it is the same in both.
        Scores are a function of the values and remember no less than they do: a score that hovers at its best
        while the machine wanders within its range follows it one to one once it leaves.
        """
        return self._memories_without_season if self._has_whole_days(live_readings) else self._memories

    @cached_property
    def _memories(self) -> tuple[float, float]:
        memory = autocorrelation_time(self.values)
        return memory, max(memory, autocorrelation_time(self.scores))

    @cached_property
    def _memories_without_season(self) -> tuple[float, float]:
        memory, score_memory = (
            seasonless_autocorrelation_time(sample, self._readings_a_day) for sample in (self.values, self.scores)
        )
        return memory, max(memory, score_memory)

    @property
    def _readings_a_day(self) -> int:
        return round(SECONDS_A_DAY / self.interval_s) if self.interval_s else 0

    def _has_whole_days(self, live_readings: float) -> bool:
        day = self._readings_a_day
        if day < MIN_READINGS_A_DAY or self.values.size < MIN_SEASON_DAYS * day:
            return False
        days = live_readings / day
        return round(days) >= 1 and abs(days - round(days)) <= WHOLE_DAY_TOLERANCE

    def usual_distances(self, length: int) -> tuple[float, float]:
        """How far a part of that length was from the rest at most: values (Wasserstein, in IQRs), scores (Kolmogorov).

        A series that is tested again and again is held against the same parts each time.
        """
        if not 0 < length < self.values.size:
            return 0.0, 0.0
        if length not in self._usual:
            values, scores = largest_distances(self.values, length), largest_distances(self.scores, length)
            self._usual[length] = in_iqrs(values.wasserstein, self.values), scores.kolmogorov
        return self._usual[length]

    @cached_property
    def _usual(self) -> dict[int, tuple[float, float]]:
        return {}


@dataclass(frozen=True, kw_only=True)
class LiveSample:
    """What the model sees now: values and their scores, in time order, shape (n,)."""

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    interval_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class AspectTest:
    """The answer on one aspect: how improbable without drift, how large, and how large is usual."""

    aspect: Aspect
    p_value: float
    effect: float
    """Values: Wasserstein distance in training IQRs. Scores: Kolmogorov distance. Variability: |ln ratio|."""
    usual: float
    """The largest effect between a part of the reference, as long as the live sample, and the rest of it."""
    ratio: float | None = None
    """Variability: the mean step between readings over that of training."""

    def least_effect(self, policy: DriftPolicy) -> float:
        """The effect from which this aspect counts: a size that matters, and more than is usual here."""
        least = {
            Aspect.VALUES: policy.min_effect,
            Aspect.SCORES: policy.min_score_effect,
            Aspect.VARIABILITY: policy.min_variability_effect,
        }[self.aspect]
        return max(least, policy.usual_ratio * self.usual)


@dataclass(frozen=True, kw_only=True)
class DriftTest:
    """The answer on one model."""

    aspects: tuple[AspectTest, ...]
    n_effective: float
    """Independent readings that the live sample is worth; what the reference is worth is in the p-values."""
    reference_median: float
    live_median: float
    looks: int = 1
    """Live windows that were tried; the p-value counts as often."""

    def p_value(self, policy: DriftPolicy) -> float:
        """How improbable the largest drift that matters is without any: Bonferroni over aspects and looks.

        An aspect whose effect does not matter is no evidence, and counts as p = 1. That only makes the p-value
        larger, so it stays one.
        """
        found = self.leading(policy)
        return 1.0 if found is None else min(1.0, self.looks * len(self.aspects) * found.p_value)

    def leading(self, policy: DriftPolicy) -> AspectTest | None:
        """The least probable of the aspects whose effect matters; None where none does."""
        mattering = [aspect for aspect in self.aspects if aspect.effect >= aspect.least_effect(policy)]
        return min(mattering, key=lambda aspect: aspect.p_value, default=None)

    @property
    def values(self) -> AspectTest:
        """The test of the values."""
        return next(aspect for aspect in self.aspects if aspect.aspect is Aspect.VALUES)


def compare_with_reference(reference: Reference, live: LiveSample) -> DriftTest:
    """Test values, scores and variability on their effective sample sizes.

    How long a series remembers is taken from the reference: it is longer than a day, and a day that drifts
    looks as if it remembered for ever, so that its drift could never be told.
    """
    reference, live = _align(reference, live)
    ratio = _interval_ratio(reference, live)
    length = max(1, min(round(live.values.size / ratio), int(MAX_PART * reference.values.size)))
    memory, score_memory = reference.memories(live.values.size / ratio)
    return DriftTest(
        aspects=(
            _compare_values(reference, live, memory, ratio, length),
            _compare_scores(reference, live, score_memory, ratio, length),
            _compare_variability(reference, live, ratio, length),
        ),
        n_effective=live.values.size / max(1.0, memory * ratio),
        reference_median=_median(reference.values),
        live_median=_median(live.values),
    )


def _compare_values(reference: Reference, live: LiveSample, memory: float, ratio: float, length: int) -> AspectTest:
    known, seen = reference.values, live.values
    test = ks_effective(known, seen, reference_tau=memory, live_tau=memory * ratio)
    return AspectTest(
        aspect=Aspect.VALUES,
        p_value=test.p_value,
        effect=wasserstein_in_iqr(known, seen),
        usual=reference.usual_distances(length)[0],
    )


def _compare_scores(reference: Reference, live: LiveSample, memory: float, ratio: float, length: int) -> AspectTest:
    known, seen = reference.scores, live.scores
    test = ks_effective(known, seen, reference_tau=memory, live_tau=memory * ratio)
    return AspectTest(
        aspect=Aspect.SCORES,
        p_value=test.p_value,
        effect=test.statistic,
        usual=reference.usual_distances(length)[1],
    )


def _compare_variability(reference: Reference, live: LiveSample, ratio: float, length: int) -> AspectTest:
    change = compare_variability(reference.values, live.values, length=length, tau_ratio=ratio)
    return AspectTest(
        aspect=Aspect.VARIABILITY,
        p_value=change.p_value,
        effect=abs(change.log_ratio),
        usual=change.usual,
        ratio=math.exp(change.log_ratio),
    )


def _align(reference: Reference, live: LiveSample) -> tuple[Reference, LiveSample]:
    """Both at about the same interval: the one that reads more often is thinned."""
    ratio = _interval_ratio(reference, live)
    return _thin(reference, round(1.0 / ratio)), _thin(live, round(ratio))


def _thin(sample: Sample, step: int) -> Sample:
    """Every so manyth reading."""
    if step <= 1:
        return sample
    interval_s = sample.interval_s and sample.interval_s * step
    return replace(sample, values=sample.values[::step], scores=sample.scores[::step], interval_s=interval_s)


def _interval_ratio(reference: Reference, live: LiveSample) -> float:
    """Readings now for each one in training: a series that reads more often remembers more readings."""
    if not reference.interval_s or not live.interval_s:
        return 1.0
    return reference.interval_s / live.interval_s


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size else math.nan


def choose_look(day: DriftTest, wide: DriftTest, policy: DriftPolicy) -> tuple[DriftTest, bool]:
    """Of two looks at a model the one that shows more, and whether that is the wider one.

    Its p-value counts twice, since two were taken. A day that shows nothing leaves the word to the longer time.
    """
    n_effective = max(day.n_effective, wide.n_effective)
    day, wide = (replace(look, looks=2, n_effective=n_effective) for look in (day, wide))
    if day.p_value(policy) < min(wide.p_value(policy), policy.false_discovery_rate):
        return day, False
    return wide, True


def widen(n_effective: float, *, least: float, hours: float, most_hours: float) -> float:
    """Hours of readings that are worth `least` independent ones, where `hours` were worth `n_effective`.

    No more than that, in whole multiples of `hours`: what is older than a drift hides it, and whole days hold
    whole seasons.
    """
    if n_effective <= 0:
        return most_hours
    return min(most_hours, hours * math.ceil(WIDENING_MARGIN * least / n_effective))
