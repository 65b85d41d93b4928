"""What a replay of history counts, a day at a time, and two replays side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Measure(StrEnum):
    """One thing that is counted, in the order in which people are told of it."""

    SCORED = "readings scored"
    FLAGGED = "readings flagged"
    EPISODES = "episodes opened"
    ALERTS = "alerts at an opening"
    SPARED = "alerts spared"
    FIRST_MODELS = "first models"
    PROMOTED = "retrains promoted"
    REFUSED = "models refused"
    REFUSED_BY = "refused by"
    ON_TRIAL = "put on trial"
    TRAINING_FAILED = "trainings failed"
    ROLLED_BACK = "rolled back"
    DEGRADED = "called degraded"
    CHECK_FAILED = "check failed"
    INCIDENTS = "incidents opened"
    ISSUES = "issues filed"
    COMMENTS = "issue comments"


@dataclass(frozen=True, kw_only=True)
class DailyCount:
    """How often something happened on one day (UTC)."""

    day: date
    measure: Measure
    count: int
    detail: str = ""
    """Which rule or check, where a measure has several."""


@dataclass(frozen=True, kw_only=True)
class ComparedCount:
    """One figure under today's settings and under the others; `changed` None where nothing was compared."""

    measure: Measure
    detail: str
    today: int
    changed: int | None

    @property
    def label(self) -> str:
        """What is counted, in words."""
        return f"{self.measure.value} {self.detail}" if self.detail else self.measure.value


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The counts of two replays of the same days, or of one alone."""

    first_day: date
    last_day: date
    today: Sequence[DailyCount]
    changed: Sequence[DailyCount] | None = None

    @property
    def days(self) -> list[date]:
        """Every day, also those on which nothing happened."""
        return [self.first_day + timedelta(days=i) for i in range((self.last_day - self.first_day).days + 1)]

    def totals(self) -> Iterator[ComparedCount]:
        """Every measure over all days, each followed by its details where it has any."""
        return self._compare(self.today, self.changed)

    def of_day(self, day: date) -> Iterator[ComparedCount]:
        """The same of one day."""
        changed = None if self.changed is None else [count for count in self.changed if count.day == day]
        return self._compare([count for count in self.today if count.day == day], changed)

    def course(self, measure: Measure) -> tuple[list[int], list[int] | None]:
        """One measure over the days, under today's settings and under the others."""
        return self._course(self.today, measure), (
            None if self.changed is None else self._course(self.changed, measure)
        )

    def _compare(self, today: Sequence[DailyCount], changed: Sequence[DailyCount] | None) -> Iterator[ComparedCount]:
        own, other = _add_up(today), None if changed is None else _add_up(changed)
        seen = own.keys() | (other.keys() if other else set())
        for measure in Measure:
            # What has details has no figure of its own; what has none is told even where it is nought.
            details = sorted(detail for found, detail in seen if found is measure)
            for detail in details or ([] if measure in (Measure.REFUSED_BY, Measure.CHECK_FAILED) else [""]):
                key = (measure, detail)
                yield ComparedCount(
                    measure=measure, detail=detail, today=own[key], changed=None if other is None else other[key]
                )

    def _course(self, counts: Sequence[DailyCount], measure: Measure) -> list[int]:
        by_day: Counter[date] = Counter()
        for count in counts:
            if count.measure is measure:
                by_day[count.day] += count.count
        return [by_day[day] for day in self.days]


def _add_up(counts: Sequence[DailyCount]) -> Counter[tuple[Measure, str]]:
    total: Counter[tuple[Measure, str]] = Counter()
    for count in counts:
        total[count.measure, count.detail] += count.count
    return total
