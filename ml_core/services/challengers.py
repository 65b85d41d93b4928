"""One challenger for each model that is due: trained on what is sound, led through the gate, promoted or refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.check_names import CheckName
from ml_core.domain.contender import Contender
from ml_core.domain.detector import detector_of_kind
from ml_core.domain.gate import GateCase, GateReport, examine, examine_first
from ml_core.domain.judged_readings import JudgedReadings
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import DriftPolicy, GatePolicy
from ml_core.domain.retrain_rules import Retrain
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training_window import (
    SENSOR_CHECKS,
    check_not_stuck,
    check_stable,
    leave_out,
    sound_until,
)
from ml_core.errors import ArtifactError, MLHealthError
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.ports.verdict_log import VerdictLog
from ml_core.services.artifact_survey import load_artifact
from ml_core.services.promotion import Promotion
from ml_core.services.retrain_tally import RetrainTally
from ml_core.services.training import (
    Candidate,
    NotTrained,
    Trainer,
    TrainingProblem,
    TrainingRequest,
    raise_if_database_is_gone,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One retrain under way: what there is to learn from, and the champion as far as it can be asked."""

    plan: Retrain
    window: Readings
    learned: Readings
    """The window without what people called anomalies or the champion saw far outside of its band."""
    champion: Contender | None
    gold: Readings | None
    judged: JudgedReadings

    @property
    def record(self) -> SeriesRecord:
        """The series."""
        return self.plan.standing.record

    @property
    def serving(self) -> ModelVersion | None:
        """The version in use."""
        return self.plan.standing.champion

    @property
    def fresh(self) -> Readings:
        """Readings that the champion has not learned from."""
        return self.window.between(None if self.serving is None else self.serving.training_to, None)

    @property
    def flat_run(self) -> int | None:
        """The longest run of equal readings that the champion learned from."""
        longest = None if self.serving is None else self.serving.metadata.get("flat_run_max")
        return longest if isinstance(longest, int) else None


@dataclass(frozen=True, kw_only=True)
class Challengers:
    """Attempts to replace champions."""

    telemetry: TelemetrySource
    trainer: Trainer
    promotion: Promotion
    verdicts: VerdictLog
    drift: DriftPolicy
    gate: GatePolicy
    now: datetime

    def attempt(self, plans: Sequence[Retrain], tally: RetrainTally) -> list[RunItem]:
        """Train and judge a batch."""
        items: list[RunItem] = []
        ready: list[Attempt] = []
        for attempt in self._load(plans):
            if self._must_wait(attempt):
                tally.waiting += 1
                items.append(_item(attempt, ItemOutcome.SKIPPED, "too few readings since it drifted"))
            elif (refusal := self._find_obstacle(attempt)) is not None:
                items.append(self._refuse(attempt, refusal, tally))
            else:
                ready.append(attempt)
        outcomes = self.trainer.train([self._request(attempt) for attempt in ready])
        for attempt, outcome in zip(ready, outcomes, strict=True):
            items.append(self._conclude(attempt, outcome, tally))
        return items

    def _load(self, plans: Sequence[Retrain]) -> list[Attempt]:
        ids = [plan.standing.record.series_id for plan in plans]
        fetched = self.telemetry.fetch([self._window(plan) for plan in plans])
        gold, judged = self.promotion.gold.load(ids), self.verdicts.list_judged(ids)
        attempts = []
        for plan in plans:
            record, champion = plan.standing.record, self._load_champion(plan)
            window = fetched[record.key]
            told = judged.get(record.series_id, JudgedReadings())
            attempts.append(
                Attempt(
                    plan=plan,
                    window=window,
                    learned=self._choose_learned(
                        told.without_anomalies(window), None if plan.into_shadow else champion
                    ),
                    champion=champion,
                    gold=gold.get(record.series_id),
                    judged=told,
                )
            )
        return attempts

    def _window(self, plan: Retrain) -> Window:
        """The last weeks, up to where a sensor finding begins; of a drifted series only what came since."""
        after = self.now - timedelta(days=self.trainer.policy.window_days)
        drifted = plan.standing.open_finding(CheckName.DRIFT)
        if plan.into_shadow and drifted is not None:
            after = max(after, drifted.opened_at - timedelta(hours=self.drift.live_hours))
        until = max(sound_until(plan.standing.findings.values(), self.now), after)
        return Window(key=plan.standing.record.key, after=after, until=until)

    def _load_champion(self, plan: Retrain) -> Contender | None:
        version = plan.standing.champion
        if version is None:
            return None
        try:
            artifact = load_artifact(version, self.promotion.artifacts)
        except ArtifactError as exc:
            logger.warning("%s is retrained without its champion: %s", plan.standing.record.key, exc)
            return None
        return Contender(detector=detector_of_kind(artifact.kind), artifact=artifact)

    def _choose_learned(self, window: Readings, champion: Contender | None) -> Readings:
        if champion is None or len(window) == 0:
            return window
        return leave_out(window, champion.severities(window), self.trainer.policy.max_learned_severity)

    def _must_wait(self, attempt: Attempt) -> bool:
        """A drifted series is not refused for having drifted a short while ago."""
        return attempt.plan.into_shadow and len(attempt.window) < self.trainer.options.min_readings

    def _find_obstacle(self, attempt: Attempt) -> str | None:
        """Why no challenger is trained at all."""
        sensor = [check for check in SENSOR_CHECKS if check in attempt.plan.standing.findings]
        if len(attempt.fresh) == 0:
            because = f" before the open finding {', '.join(sensor)}" if sensor else ""
            return f"there are no sound readings that the model in use has not learned from{because}"
        if not attempt.plan.into_shadow:
            return None
        if sensor:
            return f"the series is degraded and the sensor itself is suspected ({', '.join(sensor)})"
        checks = (
            check_stable(attempt.window, self.gate),
            check_not_stuck(attempt.window, attempt.flat_run, self.gate),
        )
        failed = [f"{check.name}: {check.reason}" for check in checks if not check.passed]
        return "; ".join(failed) or None

    def _request(self, attempt: Attempt) -> TrainingRequest:
        return TrainingRequest(
            series_id=attempt.record.series_id,
            kind=self.trainer.kind_of(attempt.record.key),
            readings=attempt.learned,
            cause=attempt.plan.cause,
        )

    def _conclude(self, attempt: Attempt, outcome: Candidate | NotTrained, tally: RetrainTally) -> RunItem:
        try:
            if isinstance(outcome, Candidate):
                return self._judge(attempt, outcome, tally)
            if outcome.problem is not TrainingProblem.FAILED:
                return self._refuse(attempt, outcome.reason, tally)
            self.promotion.tell_failed(attempt.record, attempt.plan.cause, outcome.reason)
            reason = outcome.reason
        except MLHealthError as exc:
            raise_if_database_is_gone(exc)
            reason = str(exc)
        tally.failed += 1
        return _item(attempt, ItemOutcome.FAILED, reason)

    def _judge(self, attempt: Attempt, candidate: Candidate, tally: RetrainTally) -> RunItem:
        case = self._case(attempt, candidate)
        report = examine_first(case) if attempt.plan.into_shadow else examine(case, self.gate)
        if not report.passed:
            self.promotion.reject(candidate, report, report.reason)
            return self._warn(attempt, report.reason, tally, report)
        if attempt.plan.into_shadow:
            return self._put_on_trial(attempt, candidate, report, tally)
        self.promotion.promote(
            attempt.record,
            candidate,
            champion_id=None if attempt.serving is None else attempt.serving.model_id,
            report=report,
            reason=report.reason,
            gold_from=candidate.readings if attempt.gold is None else None,
        )
        self._put_damaged_aside(attempt)
        tally.promoted += 1
        return _item(attempt, ItemOutcome.SUCCEEDED, f"version {candidate.version.version}: {report.reason}")

    def _case(self, attempt: Attempt, candidate: Candidate) -> GateCase:
        return GateCase(
            challenger=candidate.contender,
            reloaded=candidate.reloaded,
            training=candidate.readings,
            fresh=attempt.fresh,
            target_alarm_rate=self.trainer.expected_alarm_rate,
            min_readings=self.trainer.options.min_readings,
            gold=attempt.gold,
            champion=attempt.champion,
            champion_flat_run=attempt.flat_run,
            confirmed=attempt.judged.anomalies,
            false_alarms=attempt.judged.false_alarms,
        )

    def _put_on_trial(self, attempt: Attempt, candidate: Candidate, report: GateReport, tally: RetrainTally) -> RunItem:
        reason = f"on trial beside the champion, trained on {len(candidate.readings)} readings since it drifted"
        self.promotion.models.set_status(
            candidate.version.model_id,
            ModelStatus.SHADOW,
            at=self.now,
            reason=reason,
            event="shadowed",
            evidence=report.to_json(),
        )
        tally.shadowed += 1
        return _item(attempt, ItemOutcome.SUCCEEDED, reason)

    def _put_damaged_aside(self, attempt: Attempt) -> None:
        """A champion that could not be loaded is no version to roll back to."""
        if attempt.serving is not None and attempt.champion is None:
            self.promotion.models.set_status(
                attempt.serving.model_id,
                ModelStatus.QUARANTINED,
                at=self.now,
                reason="its artifact could not be read when it was replaced",
                event="quarantined",
            )

    def _refuse(self, attempt: Attempt, reason: str, tally: RetrainTally) -> RunItem:
        """No challenger came to the gate."""
        self.promotion.tell_refused(attempt.record, attempt.plan.cause, reason)
        return self._warn(attempt, reason, tally)

    def _warn(self, attempt: Attempt, reason: str, tally: RetrainTally, report: GateReport | None = None) -> RunItem:
        self.promotion.warn_refused(attempt.record, attempt.serving, reason, report)
        tally.rejected += 1
        return _item(attempt, ItemOutcome.SUCCEEDED, f"refused: {reason}")


def _item(attempt: Attempt, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=attempt.record.series_id, outcome=outcome, reason=reason)
