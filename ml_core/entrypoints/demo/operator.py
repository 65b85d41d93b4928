"""The demo's operator: says each morning what yesterday's alarms were, and the hours drawn for the audit.

It knows what was planted, and of the rest it believes what lies far outside of the expected band.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.bootstrap import Platform
from ml_core.domain.anomaly import Anomaly
from ml_core.domain.operator_verdict import OperatorVerdict
from ml_core.domain.series import SeriesKey
from ml_core.entrypoints.demo.story import DemoSeries
from ml_core.services.reviews import Opinion

NAME = "the demo's operator"
DAY = timedelta(days=1)
MORNING = timedelta(hours=8)
CONVINCING_SEVERITY = 10.0
MOST_A_DAY = 1000
OF_READINGS = ("flatline", "unit_change")
"""Checks of faults that change readings; others are of models and files."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Gives one verdict on each episode and each audited hour."""

    platform: Platform
    series: Sequence[DemoSeries]

    def review(self, begin: datetime, end: datetime) -> None:
        """Work through the mornings of that time; what has its verdict already is left alone."""
        morning = begin.replace(hour=0) + DAY + MORNING
        while morning <= end:
            self._work(morning)
            morning += DAY

    def _work(self, morning: datetime) -> None:
        reviews = self.platform.reviews(now=morning)
        midnight = morning - MORNING
        for episode_id, is_real in sorted(self._judge_episodes(midnight).items()):
            answer = OperatorVerdict.CONFIRMED if is_real else OperatorVerdict.FALSE_ALARM
            reviews.judge_episode(episode_id, Opinion(answer=answer, given_by=NAME))
        for hour in self.platform.audits.list_hours(after=midnight - DAY, until=midnight, unanswered=True):
            is_missed = self._is_faulty(hour.key, hour.hour)
            answer = OperatorVerdict.MISSED if is_missed else OperatorVerdict.NORMAL
            reviews.judge(hour.sample_id, Opinion(answer=answer, given_by=NAME))

    def _judge_episodes(self, midnight: datetime) -> Mapping[int, bool]:
        """Yesterday's episodes by their number; one is real where any of its alarms is."""
        alarms = self.platform.anomalies.list_flagged(
            after=midnight - DAY, until=midnight, unreviewed=True, limit=MOST_A_DAY
        )
        found: dict[int, bool] = {}
        for episode_id, is_real in self._judge(alarms):
            found[episode_id] = found.get(episode_id, False) or is_real
        return found

    def _judge(self, alarms: Sequence[Anomaly]) -> Iterator[tuple[int, bool]]:
        for alarm in alarms:
            if alarm.episode_id is not None:
                is_planted = self._is_faulty(alarm.key, alarm.timestamp)
                yield alarm.episode_id, is_planted or (alarm.severity or 0.0) >= CONVINCING_SEVERITY

    def _is_faulty(self, key: SeriesKey, at: datetime) -> bool:
        """Whether a fault in the readings was planted there by then."""
        faults = [one.fault for one in self.series if one.key == key and one.fault is not None]
        return any(fault.check in OF_READINGS and at >= fault.since for fault in faults)
