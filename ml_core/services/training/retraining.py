"""A retrain run: who is due, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.model_version import ModelStatus, TrainingCause
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.series_record import SeriesState
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.idle_retrain import tell_idle, tell_unmodelled
from ml_core.domain.training.retrain_rules import Retrain, Standing, list_held_back, plan_retrains, tell_pinned
from ml_core.domain.training.training_window import SENSOR_CHECKS, group_findings
from ml_core.services.named_series import list_named
from ml_core.services.runs import RunRecorder
from ml_core.services.training.challengers import Challengers
from ml_core.services.training.first_day import FirstDay
from ml_core.services.training.promotion import Promotion
from ml_core.services.training.retrain_tally import RetrainTally
from ml_core.services.training.shadows import ShadowJudge

LOOKED_AT = (CheckName.ARTIFACT, CheckName.DRIFT, CheckName.RETRAIN_REJECTED, *SENSOR_CHECKS)
LIVING = (ModelStatus.ACTIVE, ModelStatus.SHADOW, ModelStatus.CANDIDATE)
_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """One retrain run over the fleet."""

    promotion: Promotion
    first_day: FirstDay
    shadows: ShadowJudge
    challengers: Challengers
    policy: RetrainPolicy
    series_per_batch: int
    now: datetime
    next_run_at: datetime
    """When a model that is passed over now is looked at again."""
    dry_run: bool = False

    def retrain(self, run: RunRecorder, *, only: str | None = None, force: bool = False) -> RetrainTally:
        """Look at yesterday's promotions, judge the challengers on trial, then train what is due.

        With `force`, what may be trained at all is, due or not: the gate decides as ever.
        """
        tally = RetrainTally()
        standings = self.survey(only, run.finished_series())
        tally.pinned = sum(standing.is_pinned for standing in standings)
        plans = plan_retrains(standings, self.policy, now=self.now, next_run_at=self.next_run_at)
        if force:
            plans += self._plan_by_hand(standings, plans)
        tally.due = len(plans)
        if self.dry_run:
            return tally
        young = [standing for standing in standings if self.first_day.is_over(standing)]
        trials = [
            (standing, standing.shadow)
            for standing in standings
            if standing.shadow is not None and not standing.is_pinned
        ]
        held_back = list_held_back(standings, self.policy, now=self.now, next_run_at=self.next_run_at)
        run.record([_tell_held_back(standing) for standing in held_back])
        self._in_batches("first days", young, run, lambda batch: self.first_day.judge(batch, tally))
        self._in_batches("trials", trials, run, lambda batch: self.shadows.judge(batch, tally))
        if plans:
            self.challengers.trainer.require_store()
        self._in_batches("retraining", plans, run, lambda batch: self.challengers.attempt(batch, tally))
        return tally

    def tell_idle(self, only: str) -> str:
        """Why nothing was due of a named series, and what can be done."""
        modelled = {standing.record.series_id: standing for standing in self.survey(only, frozenset())}
        return "; ".join(
            tell_idle(modelled[record.series_id], self.policy, now=self.now)
            if record.series_id in modelled
            else tell_unmodelled(record)
            for record in list_named(self.promotion.series, only)
        )

    def _plan_by_hand(self, standings: Sequence[Standing], plans: Sequence[Retrain]) -> list[Retrain]:
        planned = {plan.standing.record.series_id for plan in plans}
        return [
            Retrain(standing=standing, cause=TrainingCause.PERSON)
            for standing in standings
            if standing.is_free(self.now) and standing.record.series_id not in planned
        ]

    def survey(self, only: str | None, finished: frozenset[int]) -> list[Standing]:
        """Modelled series with their versions and findings; candidates of a killed run are given up."""
        records = [
            record
            for record in list_named(self.promotion.series, only)
            if record.state is SeriesState.MODELLED and record.series_id not in finished
        ]
        versions = self.promotion.models.list_versions(
            series_ids=[record.series_id for record in records], statuses=LIVING
        )
        if not self.dry_run:
            self.promotion.cancel([v for v in versions if v.status is ModelStatus.CANDIDATE])
        champions, shadows = (
            {version.series_id: version for version in versions if version.status is status}
            for status in (ModelStatus.ACTIVE, ModelStatus.SHADOW)
        )
        findings = group_findings(self.promotion.findings.list_open(now=self.now, checks=LOOKED_AT))
        return [
            Standing(
                record=record,
                champion=champions.get(record.series_id),
                shadow=shadows.get(record.series_id),
                findings={finding.check: finding for finding in findings.get(record.series_id, ())},
            )
            for record in records
        ]

    def _in_batches(
        self,
        what: str,
        todo: Sequence[_Item],
        run: RunRecorder,
        work: Callable[[Sequence[_Item]], list[RunItem]],
    ) -> None:
        for start in range(0, len(todo), self.series_per_batch):
            run.progress(what, start, len(todo))
            run.record(work(todo[start : start + self.series_per_batch]))
        run.progress(what, len(todo), len(todo))


def _tell_held_back(standing: Standing) -> RunItem:
    reason = tell_pinned(standing.champion) if standing.champion else ""
    return RunItem(series_id=standing.record.series_id, outcome=ItemOutcome.SKIPPED, reason=reason)
