"""A person accepts that a series has moved: what came since is its new normal, and gold is rebased to it."""

from __future__ import annotations

from dataclasses import dataclass

from ml_core.domain.gate.questions import GateReport
from ml_core.domain.model_version import TrainingCause
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.retrain_rules import Acceptance, Retrain, Standing, tell_pinned
from ml_core.errors import ConfigurationError
from ml_core.services.runs import RunRecorder
from ml_core.services.training.retrain_attempt import RetrainAttempt
from ml_core.services.training.retrain_tally import RetrainTally
from ml_core.services.training.retraining import Retraining


@dataclass(frozen=True, kw_only=True)
class DriftAcceptance:
    """Trains a named series at once, on a person's word instead of most of the gate."""

    retraining: Retraining

    def accept(self, run: RunRecorder, series: str, acceptance: Acceptance) -> tuple[RetrainTally, str]:
        """What was done, and what became of it in words; ConfigurationError where there is nothing to accept."""
        standings = self.retraining.survey(series, frozenset())
        if not standings:
            raise ConfigurationError(f"{series} has no model yet, so there is nothing that it could have moved from")
        tally = RetrainTally(due=len(standings), pinned=sum(standing.is_pinned for standing in standings))
        items = [self._accept(standing, acceptance, tally) for standing in standings]
        run.record(items)
        return tally, "; ".join(item.reason or "" for item in items)

    def _accept(self, standing: Standing, acceptance: Acceptance, tally: RetrainTally) -> RunItem:
        if standing.champion is not None and standing.champion.pinned:
            return _skip(standing, tell_pinned(standing.champion))
        plan = Retrain(standing=standing, cause=TrainingCause.PERSON, acceptance=acceptance)
        if self.retraining.dry_run:
            return self._foresee(plan)
        self.retraining.challengers.trainer.require_store()
        (item,) = self.retraining.challengers.attempt([plan], tally)
        if tally.promoted and standing.shadow is not None:
            reason = f"overtaken: the drift was {acceptance.words}"
            self.retraining.promotion.reject(standing.shadow, GateReport(checks=()), reason)
        return item

    def _foresee(self, plan: Retrain) -> RunItem:
        (loaded,) = self.retraining.challengers.loader.load([plan])
        if not isinstance(loaded, RetrainAttempt):
            return loaded
        count = len(loaded.learned)
        if count == 0:
            return _skip(plan.standing, "there are no readings that the model in use has not learned from")
        first, last = loaded.learned.timestamps[[0, -1]].astype("datetime64[m]")
        least = self.retraining.challengers.trainer.options.min_readings
        if count < least:
            reason = f"would be refused: {count} readings, {first}Z to {last}Z, are too few, {least} are needed"
            return _skip(plan.standing, reason)
        return _skip(plan.standing, f"would learn from {count} readings, {first}Z to {last}Z, and make them gold")


def _skip(standing: Standing, reason: str) -> RunItem:
    return RunItem(series_id=standing.record.series_id, outcome=ItemOutcome.SKIPPED, reason=reason)
