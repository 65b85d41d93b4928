"""The demo's operator: says each morning what yesterday's alarms were, and the hours drawn for the audit.

It knows what was planted, and of the rest it believes what lies far outside of the expected band. A person would not
look at as many hours a day as it does; so every metric has its rates after nine days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.bootstrap import Platform
from ml_core.domain.policies import AuditPolicy
from ml_core.domain.reviews.operator_verdict import OperatorVerdict
from ml_core.domain.scoring.anomaly import Anomaly, AuditedHour
from ml_core.domain.series import SeriesKey
from ml_core.entrypoints.demo.served_bands import ServedBands
from ml_core.entrypoints.demo.story import DemoSeries
from ml_core.ports.telemetry import Window
from ml_core.services.reviews import Opinion

NAME = "the demo's operator"
DAY = timedelta(days=1)
MORNING = timedelta(hours=8)
CONVINCING_SEVERITY = 10.0
MOST_A_DAY = 1000
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
AUDIT = AuditPolicy(hours_per_day=120)
"""How many hours are drawn in the demo: about half of them, so that 20 and more of each metric are."""
OF_READINGS = ("flatline", "unit_change")
"""Checks of faults that change readings; others are of models and files."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Gives one verdict on each episode and each audited hour."""

    platform: Platform
    series: Sequence[DemoSeries]

    def review(self, begin: datetime, end: datetime) -> None:
        """Work through the mornings of that time; what has its verdict already is left alone."""
        bands = ServedBands.read(self.platform)
        morning = begin.replace(hour=0) + DAY + MORNING
        while morning <= end:
            self._work(morning, bands)
            morning += DAY

    def _work(self, morning: datetime, bands: ServedBands) -> None:
        reviews = self.platform.reviews(now=morning)
        midnight = morning - MORNING
        for episode_id, is_real in sorted(self._judge_episodes(midnight).items()):
            answer = OperatorVerdict.CONFIRMED if is_real else OperatorVerdict.FALSE_ALARM
            reviews.judge_episode(episode_id, Opinion(answer=answer, given_by=NAME))
        hours = self.platform.audits.list_hours(after=midnight - DAY, until=midnight, unanswered=True)
        for hour, is_missed in self._judge_hours(hours, bands):
            answer = OperatorVerdict.MISSED if is_missed else OperatorVerdict.NORMAL
            reviews.judge(hour.sample_id, Opinion(answer=answer, given_by=NAME))

    def _judge_hours(self, hours: Sequence[AuditedHour], bands: ServedBands) -> Iterator[tuple[AuditedHour, bool]]:
        """Hours without an alarm; one was missed where a fault was planted, or a reading lies far outside."""
        asked = {key: [hour for hour in hours if hour.key == key] for key in {hour.key for hour in hours}}
        windows = [
            Window(key=key, after=found[0].hour - INSTANT, until=found[-1].hour + HOUR) for key, found in asked.items()
        ]
        readings = self.platform.telemetry.fetch(windows)
        for hour in hours:
            seen = readings[hour.key].between(hour.hour - INSTANT, hour.hour + HOUR - INSTANT)
            is_far = bands.are_far_outside(hour.series_id, hour.hour, seen.values)
            yield hour, is_far or self._is_faulty(hour.key, hour.hour)

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
