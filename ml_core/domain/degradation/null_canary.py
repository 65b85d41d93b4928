"""The null canary: the drift test on data known not to have drifted, so that it shows how often it cries wolf.

A model's own training readings are split in time: the earlier part stands for the reference, what follows
for two live days. Nothing has drifted in there, so whatever the test finds is a false call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml_core.domain.degradation.drift import benjamini_hochberg
from ml_core.domain.degradation.model_drift import DriftTest, LiveSample, Reference, choose_look, compare_with_reference
from ml_core.domain.policies import DriftPolicy

MAX_LIVE_SHARE = 0.4
"""Of the training readings, for both days together: the rest of them stays as reference."""
DAYS_BACK = 3
"""The first day ends at most so many days before the end of training: the reference is nearly the real one."""
CONFIDENCE = 0.95
"""Of the bound that must be above the nominal rate too: a few splits prove nothing."""
LOUD_RATIO = 2.0
"""Times the nominal rate above which the drift test is not believed."""


@dataclass(frozen=True, kw_only=True)
class NullSplit:
    """The test of two live days in a row, both taken from training."""

    first: DriftTest
    second: DriftTest


@dataclass(frozen=True, kw_only=True)
class NullCanary:
    """How often the test spoke where nothing had drifted."""

    splits: int
    spoke: int
    """Splits whose p-value was at most the nominal rate."""
    degraded: int
    """Splits that would have been called degraded: discovered over all splits, on both days."""
    nominal: float

    @property
    def rate(self) -> float:
        """Share of the splits on which the test spoke."""
        return self.spoke / self.splits if self.splits else 0.0

    @property
    def degraded_rate(self) -> float:
        """Share of the splits that would have been called degraded."""
        return self.degraded / self.splits if self.splits else 0.0

    @property
    def is_loud(self) -> bool:
        """Whether the test speaks more than twice as often as it says, and by more than chance explains."""
        return self.rate > LOUD_RATIO * self.nominal and self.least_rate > self.nominal

    @property
    def least_rate(self) -> float:
        """The exact lower confidence bound of the rate (Clopper and Pearson, Biometrika 26, 1934)."""
        if self.spoke == 0:
            return 0.0
        from scipy.stats import beta

        return float(beta.ppf(1.0 - CONFIDENCE, self.spoke, self.splits - self.spoke + 1))

    def to_json(self) -> dict[str, Any]:
        """The figures, as evidence and counts of a run keep them."""
        return {
            "canary_splits": self.splits,
            "canary_spoke": self.spoke,
            "canary_degraded": self.degraded,
            "canary_rate": self.rate,
            "canary_degraded_rate": self.degraded_rate,
            "canary_nominal": self.nominal,
        }


def draw_split(series_id: int, day: date, *, fleet: int, most: int) -> float | None:
    """Where a series' training is split on that day, from 0 to 1; None where it is not drawn that day.

    About `most` of the fleet's series are drawn, others each day, and the same ones if a run is done again.
    """
    digest = hashlib.sha256(f"null canary|{series_id}|{day.isoformat()}".encode()).digest()
    drawn, position = (int.from_bytes(part, "big") / 2**64 for part in (digest[:8], digest[8:16]))
    return position if drawn * fleet < most else None


def split_null(reference: Reference, looks: Sequence[int], position: float, policy: DriftPolicy) -> NullSplit | None:
    """Test two days in a row from within a reference; None where it is too short for that.

    `looks` are the readings of the live windows that the model is tested on, a day and perhaps a longer time
    up to the same moment. `position` from 0 to 1 says where: 1 at the very end of training, 0 two days before.
    """
    n = reference.values.size
    room = int(MAX_LIVE_SHARE * n)
    if room < 1 or not looks:
        return None
    day = max(1, min(looks[0], room // 2))
    widest = max(day, min(max(looks), room - day))
    newest, oldest = n - day, max(n - DAYS_BACK * day, n - room + widest)
    end = min(newest, oldest + round(position * (newest - oldest)))
    earlier = _part(reference, 0, end - widest)
    first, second = (
        _look(
            earlier, [_live(_part(reference, until - length, until)) for length in (day, widest)[: len(looks)]], policy
        )
        for until in (end, end + day)
    )
    return NullSplit(first=first, second=second)


def _look(earlier: Reference, samples: Sequence[LiveSample], policy: DriftPolicy) -> DriftTest:
    tests = [compare_with_reference(earlier, sample) for sample in samples]
    return tests[0] if len(tests) == 1 else choose_look(tests[0], tests[-1], policy)[0]


def count_null(splits: Sequence[NullSplit], policy: DriftPolicy) -> NullCanary:
    """What the fleet's test does with splits that have not drifted."""
    nominal = policy.false_discovery_rate
    first, second = ([test.p_value(policy) for test in day] for day in _days(splits))
    both = benjamini_hochberg(first, nominal) & benjamini_hochberg(second, nominal)
    return NullCanary(
        splits=len(splits), spoke=sum(p <= nominal for p in first), degraded=int(both.sum()), nominal=nominal
    )


def _days(splits: Sequence[NullSplit]) -> tuple[list[DriftTest], list[DriftTest]]:
    return [split.first for split in splits], [split.second for split in splits]


def _part(reference: Reference, start: int, end: int) -> Reference:
    return Reference(
        values=reference.values[start:end], scores=reference.scores[start:end], interval_s=reference.interval_s
    )


def _live(part: Reference) -> LiveSample:
    return LiveSample(values=part.values, scores=part.scores, interval_s=part.interval_s)
