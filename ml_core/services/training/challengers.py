"""One challenger for each model that is due: trained on what is sound, led through the gate, promoted or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_core.domain.gate.questions import GateCase, GateReport, examine, examine_first
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import GatePolicy
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.retrain_rules import Acceptance, Retrain
from ml_core.errors import DatabaseUnavailableError, describe_error
from ml_core.services.training.attempt_loader import AttemptLoader
from ml_core.services.training.fitting import NotTrained, TrainingProblem, TrainingRequest
from ml_core.services.training.promotion import Promotion
from ml_core.services.training.retrain_attempt import RetrainAttempt
from ml_core.services.training.retrain_tally import RetrainTally
from ml_core.services.training.roll_back import quarantine
from ml_core.services.training.setbacks import Setbacks
from ml_core.services.training.trainer import Candidate, Trainer


@dataclass(frozen=True, kw_only=True)
class Challengers:
    """Attempts to replace champions."""

    loader: AttemptLoader
    trainer: Trainer
    promotion: Promotion
    setbacks: Setbacks
    gate: GatePolicy
    now: datetime

    def attempt(self, plans: Sequence[Retrain], tally: RetrainTally) -> list[RunItem]:
        """Train and judge a batch."""
        items: list[RunItem] = []
        ready: list[RetrainAttempt] = []
        for attempt in self.loader.load(plans):
            if isinstance(attempt, RunItem):
                tally.failed += 1
                items.append(attempt)
            elif attempt.must_wait(self.trainer.options.min_readings):
                tally.waiting += 1
                items.append(_item(attempt, ItemOutcome.SKIPPED, "too few readings since it drifted"))
            elif (refusal := attempt.find_obstacle(self.gate)) is not None:
                items.append(self._refuse(attempt, refusal, tally))
            else:
                ready.append(attempt)
        outcomes = self.trainer.train([self._request(attempt) for attempt in ready])
        for attempt, outcome in zip(ready, outcomes, strict=True):
            items.append(self._conclude(attempt, outcome, tally))
        return items

    def _request(self, attempt: RetrainAttempt) -> TrainingRequest:
        return TrainingRequest(
            series_id=attempt.record.series_id,
            kind=self.trainer.kind_of(attempt.record.key),
            readings=attempt.learned,
            cause=attempt.plan.cause,
        )

    def _conclude(self, attempt: RetrainAttempt, outcome: Candidate | NotTrained, tally: RetrainTally) -> RunItem:
        try:
            if isinstance(outcome, Candidate):
                return self._judge(attempt, outcome, tally)
            if outcome.problem is not TrainingProblem.FAILED:
                return self._refuse(attempt, outcome.reason, tally)
            self.setbacks.tell_failed(attempt.record, attempt.plan.cause, outcome.reason)
            reason = outcome.reason
        except DatabaseUnavailableError:
            raise
        except Exception as exc:  # noqa: BLE001 - one series' surprise is its own failure, and is told
            reason = describe_error(exc)
        tally.failed += 1
        return _item(attempt, ItemOutcome.FAILED, reason)

    def _judge(self, attempt: RetrainAttempt, candidate: Candidate, tally: RetrainTally) -> RunItem:
        case = self._case(attempt, candidate)
        report = examine_first(case) if attempt.plan.is_new_regime else examine(case, self.gate)
        if not report.passed:
            self.promotion.reject(candidate.version, report, report.reason)
            return self._warn(attempt, report.reason, tally, report)
        if attempt.plan.into_shadow:
            return self._put_on_trial(attempt, candidate, report, tally)
        return self._promote(attempt, candidate, _sign(report, attempt.plan.acceptance), tally)

    def _case(self, attempt: RetrainAttempt, candidate: Candidate) -> GateCase:
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

    def _promote(
        self, attempt: RetrainAttempt, candidate: Candidate, report: GateReport, tally: RetrainTally
    ) -> RunItem:
        acceptance = attempt.plan.acceptance
        reason = f"{acceptance.words}; {report.reason}" if acceptance else report.reason
        self.promotion.promote(
            attempt.record,
            candidate,
            champion_id=None if attempt.serving is None else attempt.serving.model_id,
            report=report,
            reason=reason,
            gold_from=candidate.readings if attempt.gold is None or acceptance else None,
        )
        self._put_damaged_aside(attempt)
        tally.promoted += 1
        return _item(attempt, ItemOutcome.SUCCEEDED, f"version {candidate.version.version}: {reason}")

    def _put_on_trial(
        self, attempt: RetrainAttempt, candidate: Candidate, report: GateReport, tally: RetrainTally
    ) -> RunItem:
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

    def _put_damaged_aside(self, attempt: RetrainAttempt) -> None:
        """A champion that could not be loaded is no version to roll back to."""
        if attempt.serving is not None and attempt.champion is None:
            reason = "its artifact could not be read when it was replaced"
            quarantine(attempt.serving, reason, registry=self.promotion.models, now=self.now)

    def _refuse(self, attempt: RetrainAttempt, reason: str, tally: RetrainTally) -> RunItem:
        """No challenger came to the gate."""
        self.setbacks.tell_refused(attempt.record, attempt.plan.cause, reason)
        return self._warn(attempt, reason, tally)

    def _warn(
        self, attempt: RetrainAttempt, reason: str, tally: RetrainTally, report: GateReport | None = None
    ) -> RunItem:
        # A person hears of it at once; what the nightly run was refused for goes on to be told.
        if attempt.plan.acceptance is None:
            self.setbacks.warn_refused(attempt.plan.standing, reason, report)
        tally.rejected += 1
        return _item(attempt, ItemOutcome.SUCCEEDED, f"refused: {reason}")


def _sign(report: GateReport, acceptance: Acceptance | None) -> GateReport:
    return replace(report, accepted={"by": acceptance.by, "reason": acceptance.reason}) if acceptance else report


def _item(attempt: RetrainAttempt, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=attempt.record.series_id, outcome=outcome, reason=reason)
