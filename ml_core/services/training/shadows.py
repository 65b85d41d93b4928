"""Challengers on trial: what a model of a degraded series would have said since it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.gate.questions import GateReport
from ml_core.domain.gate.shadow_trial import judge_trial
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import GatePolicy, RetrainPolicy
from ml_core.domain.series import Readings
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.retrain_rules import Standing
from ml_core.domain.training.training_window import sound_until
from ml_core.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactMissingError,
    DatabaseUnavailableError,
    describe_error,
)
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.training.contenders import load_contender
from ml_core.services.training.promotion import Promotion
from ml_core.services.training.retrain_tally import RetrainTally
from ml_core.services.training.roll_back import quarantine
from ml_core.services.training.setbacks import Setbacks
from ml_core.services.training.trainer import Candidate

JUST_BEFORE = timedelta(microseconds=1)
"""Windows leave out their first instant."""


@dataclass(frozen=True, kw_only=True)
class ShadowJudge:
    """Scores what came since a challenger was trained, and promotes or rejects it."""

    telemetry: TelemetrySource
    artifacts: ArtifactStore
    promotion: Promotion
    setbacks: Setbacks
    policy: RetrainPolicy
    gate: GatePolicy
    expected_alarm_rate: float
    now: datetime

    def judge(self, trials: Sequence[tuple[Standing, ModelVersion]], tally: RetrainTally) -> list[RunItem]:
        """Judge a batch of challengers; those whose time has not come wait."""
        ripe = [trial for trial in trials if self.now - self._began(trial[1]) >= self._length]
        tally.waiting += len(trials) - len(ripe)
        windows = self.telemetry.fetch([self._window(*trial) for trial in ripe])
        return [self._conclude(standing, shadow, windows[standing.record.key], tally) for standing, shadow in ripe]

    @property
    def _length(self) -> timedelta:
        return timedelta(hours=self.policy.shadow_hours)

    def _began(self, shadow: ModelVersion) -> datetime:
        return shadow.trained_at or shadow.created_at

    def _window(self, standing: Standing, shadow: ModelVersion) -> Window:
        """What it learned from and everything since: the new gold window is taken from both."""
        after = (shadow.training_from or self._began(shadow)) - JUST_BEFORE
        until = max(sound_until(standing.findings.values(), self.now), after)
        return Window(key=standing.record.key, after=after, until=until)

    def _conclude(self, standing: Standing, shadow: ModelVersion, window: Readings, tally: RetrainTally) -> RunItem:
        try:
            return self._decide(standing, shadow, window, tally)
        except DatabaseUnavailableError:
            raise
        except Exception as exc:  # noqa: BLE001 - one series' surprise is its own failure, and is told
            tally.failed += 1
            return _item(standing, ItemOutcome.FAILED, describe_error(exc))

    def _decide(self, standing: Standing, shadow: ModelVersion, window: Readings, tally: RetrainTally) -> RunItem:
        age = self.now - self._began(shadow)
        if standing.champion is not None and (standing.champion.promoted_at or self.now) > self._began(shadow):
            return self._give_way(standing, shadow, standing.champion, tally)
        is_over = age >= timedelta(hours=self.policy.max_shadow_hours)
        try:
            contender = load_contender(shadow, self.artifacts)
        except (ArtifactMissingError, ArtifactDamagedError) as exc:
            return self._put_aside(standing, shadow, f"its artifact is lost: {exc}", tally)
        except ArtifactError as exc:
            if not is_over:
                raise
            return self._reject(standing, shadow, GateReport(checks=()), f"no verdict within its trial: {exc}", tally)
        candidate = Candidate(version=shadow, contender=contender, reloaded=contender, readings=window)
        live = window.between(shadow.training_to, None)
        check = self._examine(contender, live, interval_s=window.median_interval_s())
        if check is None and not is_over:
            tally.waiting += 1
            return _item(standing, ItemOutcome.SKIPPED, f"{len(live)} readings are too few to judge yet")
        report = GateReport(checks=() if check is None else (check,))
        if check is None or not check.passed:
            reason = f"on trial: {report.reason}" if check else f"only {len(live)} readings in its trial"
            return self._reject(standing, shadow, report, reason, tally)
        reason = f"its alarm rate kept to the target on trial: {check.reason}"
        return self._promote(standing, candidate, report, reason, tally)

    def _examine(self, contender: Contender, live: Readings, *, interval_s: float | None) -> GateCheck | None:
        return judge_trial(
            contender,
            live,
            interval_s=interval_s,
            trial=self._length,
            target_alarm_rate=self.expected_alarm_rate,
            gate=self.gate,
        )

    def _promote(
        self,
        standing: Standing,
        candidate: Candidate,
        report: GateReport,
        reason: str,
        tally: RetrainTally,
    ) -> RunItem:
        self.promotion.promote(
            standing.record,
            candidate,
            champion_id=None if standing.champion is None else standing.champion.model_id,
            report=report,
            reason=reason,
            gold_from=candidate.readings,
        )
        tally.promoted += 1
        return _item(standing, ItemOutcome.SUCCEEDED, reason)

    def _give_way(
        self, standing: Standing, shadow: ModelVersion, champion: ModelVersion, tally: RetrainTally
    ) -> RunItem:
        """It lost to a choice and not to the gate, so nobody is warned that retraining was refused."""
        reason = f"overtaken by version {champion.version}, which came to serve meanwhile"
        self.promotion.reject(shadow, GateReport(checks=()), reason)
        tally.rejected += 1
        return _item(standing, ItemOutcome.SUCCEEDED, reason)

    def _put_aside(self, standing: Standing, shadow: ModelVersion, reason: str, tally: RetrainTally) -> RunItem:
        """What is lost will not come back: the series is free for the next challenger."""
        quarantine(shadow, reason, registry=self.promotion.models, now=self.now)
        self.setbacks.warn_refused(standing, f"the challenger was put aside: {reason}")
        tally.rejected += 1
        return _item(standing, ItemOutcome.SUCCEEDED, f"put aside: {reason}")

    def _reject(
        self,
        standing: Standing,
        shadow: ModelVersion,
        report: GateReport,
        reason: str,
        tally: RetrainTally,
    ) -> RunItem:
        self.promotion.reject(shadow, report, reason)
        self.setbacks.warn_refused(standing, reason, report)
        tally.rejected += 1
        return _item(standing, ItemOutcome.SUCCEEDED, f"refused: {reason}")


def _item(standing: Standing, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=standing.record.series_id, outcome=outcome, reason=reason)
