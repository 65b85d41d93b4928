"""What a retrain needs of each series: readings, verdicts, gold and the champion, in a few queries for a batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.gate.contender import Contender
from ml_core.domain.policies import DriftPolicy, TrainingPolicy
from ml_core.domain.reviews.judged_readings import JudgedReadings
from ml_core.domain.scoring.quiet_time import leave_out_quiet
from ml_core.domain.series import Readings
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.retrain_rules import Retrain
from ml_core.domain.training.training_window import leave_out, sound_until
from ml_core.errors import ArtifactDamagedError, ArtifactMissingError, describe_error
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.gold_windows import GoldWindows
from ml_core.ports.quiet_calendar import QuietCalendar
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.ports.verdict_log import VerdictLog
from ml_core.services.training.contenders import load_contender
from ml_core.services.training.retrain_attempt import RetrainAttempt

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AttemptLoader:
    """Loads the attempts of a batch of plans."""

    telemetry: TelemetrySource
    artifacts: ArtifactStore
    gold: GoldWindows
    verdicts: VerdictLog
    calendar: QuietCalendar
    training: TrainingPolicy
    drift: DriftPolicy
    now: datetime

    def load(self, plans: Sequence[Retrain]) -> list[RetrainAttempt | RunItem]:
        """One attempt a plan, in order, or why that series failed."""
        ids = [plan.standing.record.series_id for plan in plans]
        fetched = self.telemetry.fetch([self._window(plan) for plan in plans])
        gold, judged = self.gold.load(ids), self.verdicts.list_judged(ids)
        quiet = self.calendar.list_times(after=self.now - timedelta(days=self.training.window_days), until=self.now)
        return [
            self._try_to_prepare(
                plan,
                leave_out_quiet(fetched[plan.standing.record.key], quiet, plan.standing.record.key),
                gold=gold.get(plan.standing.record.series_id),
                judged=judged.get(plan.standing.record.series_id, JudgedReadings()),
            )
            for plan in plans
        ]

    def _try_to_prepare(
        self, plan: Retrain, window: Readings, *, gold: Readings | None, judged: JudgedReadings
    ) -> RetrainAttempt | RunItem:
        try:
            return self._prepare(plan, window, gold=gold, judged=judged)
        except Exception as exc:
            record = plan.standing.record
            logger.exception("%s cannot be retrained", record.key)
            return RunItem(series_id=record.series_id, outcome=ItemOutcome.FAILED, reason=describe_error(exc))

    def _prepare(
        self, plan: Retrain, window: Readings, *, gold: Readings | None, judged: JudgedReadings
    ) -> RetrainAttempt:
        champion = self._load_champion(plan)
        # Of a drifted series the champion calls everything an anomaly.
        filtered_by = None if plan.is_new_regime else champion
        return RetrainAttempt(
            plan=plan,
            window=window,
            learned=self._choose_learned(judged.without_anomalies(window), filtered_by),
            champion=champion,
            gold=gold,
            judged=judged,
        )

    def _window(self, plan: Retrain) -> Window:
        """The last weeks, up to where a sensor finding begins; of a drifted series only what came since."""
        after = self.now - timedelta(days=self.training.window_days)
        changed_at = plan.changed_at(timedelta(hours=self.drift.live_hours)) if plan.is_new_regime else None
        after = after if changed_at is None else max(after, changed_at)
        # What a person accepts may well lie outside of the former range.
        sound = self.now if plan.acceptance else sound_until(plan.standing.findings.values(), self.now)
        return Window(key=plan.standing.record.key, after=after, until=max(sound, after))

    def _load_champion(self, plan: Retrain) -> Contender | None:
        version = plan.standing.champion
        if version is None:
            return None
        try:
            return load_contender(version, self.artifacts)
        except (ArtifactMissingError, ArtifactDamagedError) as exc:
            logger.warning("%s is retrained without its champion: %s", plan.standing.record.key, exc)
            return None

    def _choose_learned(self, window: Readings, champion: Contender | None) -> Readings:
        if champion is None or len(window) == 0:
            return window
        return leave_out(window, champion.severities(window), self.training.max_learned_severity)
