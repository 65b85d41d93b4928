"""What each series of a shard did lately: readings, scoring and verdicts, in a few queries for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.checks.data_checks import LiveWindow, live_window_length
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.training.training_profile import TrainingProfile
from ml_core.ports.activity_log import Activity, ActivityLog
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.ports.verdict_log import VerdictLog


@dataclass(frozen=True, kw_only=True)
class LiveEvidence:
    """What one series did lately."""

    window: LiveWindow
    activity: Activity
    """Since the serving model was promoted, at most as far back as the window."""
    verdicts: VerdictCounts
    reviewed: Activity
    """Over the time that verdicts are counted; empty where there are too few of them."""


@dataclass(frozen=True, kw_only=True)
class LiveEvidenceLoader:
    """Loads the evidence of one shard at a time."""

    telemetry: TelemetrySource
    activity: ActivityLog
    verdicts: VerdictLog
    policy: HealthPolicy
    now: datetime

    def load(self, records: Sequence[SeriesRecord], models: Mapping[int, ModelVersion]) -> dict[int, LiveEvidence]:
        """The evidence of every series, by its id; `models` are the serving ones."""
        windows = self._load_windows(records, models)
        served = self._load_activity(windows, models)
        verdicts, reviewed = self._load_verdicts(list(models))
        return {
            series_id: LiveEvidence(
                window=window,
                activity=served.get(series_id, Activity()),
                verdicts=verdicts.get(series_id, VerdictCounts()),
                reviewed=reviewed.get(series_id, Activity()),
            )
            for series_id, window in windows.items()
        }

    def _load_windows(
        self, records: Sequence[SeriesRecord], models: Mapping[int, ModelVersion]
    ) -> dict[int, LiveWindow]:
        asked = {}
        for record in records:
            model = models.get(record.series_id)
            interval_s = None if model is None else TrainingProfile.of_model(model).median_interval_s
            start = self.now - live_window_length(interval_s, self.policy)
            asked[record.series_id] = Window(key=record.key, after=start, until=self.now)
        fetched = self.telemetry.fetch(list(asked.values()))
        return {
            series_id: LiveWindow(start=window.after or self.now, end=self.now, readings=fetched[window.key])
            for series_id, window in asked.items()
        }

    def _load_activity(
        self, windows: Mapping[int, LiveWindow], models: Mapping[int, ModelVersion]
    ) -> dict[int, Activity]:
        """One query a start; starts are told by the hour, and most series share theirs."""
        by_start: dict[datetime, list[int]] = defaultdict(list)
        for series_id, model in models.items():
            start = windows[series_id].start
            by_start[_on_the_hour(max(start, model.promoted_at or start))].append(series_id)
        found: dict[int, Activity] = {}
        for start, series_ids in by_start.items():
            found |= self.activity.read_activity(series_ids, after=start, until=self.now)
        return found

    def _load_verdicts(self, series_ids: Sequence[int]) -> tuple[Mapping[int, VerdictCounts], Mapping[int, Activity]]:
        after = self.now - timedelta(days=self.policy.verdict_days)
        counts = self.verdicts.count_latest(series_ids, after=after, until=self.now)
        # A month of rollups is read only of the few series that people looked at.
        enough = [series_id for series_id, count in counts.items() if count.total >= self.policy.min_verdicts]
        if not enough:
            return counts, {}
        return counts, self.activity.read_activity(enough, after=after, until=self.now)


def _on_the_hour(at: datetime) -> datetime:
    """The hour that `at` lies in: rollups after it belong to whole hours."""
    return at.replace(minute=0, second=0, microsecond=0)
