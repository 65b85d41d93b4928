"""The health of one series: all of its checks, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ml_core.domain.checks.check import CheckResult, SeriesCheck
from ml_core.domain.checks.health import judge, observe_results
from ml_core.domain.incidents.finding import Observation
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series_record import Health, SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.services.health.live_evidence import LiveEvidence
from ml_core.services.health.series_checks import check_modelled, check_unmodelled
from ml_core.services.scoring.serving_models import Serving


@dataclass(frozen=True, kw_only=True)
class SeriesHealth:
    """The answer on one series."""

    record: SeriesRecord
    serving: Serving | None
    """None: the series should not have a model yet."""
    results: Sequence[CheckResult]
    health: Health
    reasons: Sequence[str]

    @property
    def checks(self) -> list[SeriesCheck]:
        """The results as they are saved."""
        series_id, model_id = self.record.series_id, self._model_id
        return [SeriesCheck(series_id=series_id, model_id=model_id, result=result) for result in self.results]

    @property
    def observations(self) -> list[Observation]:
        """What the findings of the series follow from."""
        return observe_results(self.results, series_id=self.record.series_id, model_id=self._model_id)

    @property
    def item(self) -> RunItem:
        """What the run did: it failed where nothing could be said or done about the model."""
        failure = None if self.serving is None else self.serving.failure
        outcome = ItemOutcome.FAILED if failure else ItemOutcome.SUCCEEDED
        return RunItem(series_id=self.record.series_id, outcome=outcome, reason=failure or None)

    @property
    def _model_id(self) -> UUID | None:
        model = None if self.serving is None else self.serving.model
        return None if model is None else model.model_id


@dataclass(frozen=True, kw_only=True)
class SeriesJudge:
    """Asks every check that applies to a series."""

    policy: HealthPolicy
    max_failures: int
    """Failed trainings in a row that fail."""
    now: datetime

    def judge(
        self, record: SeriesRecord, serving: Serving | None, evidence: LiveEvidence, drift: CheckResult | None
    ) -> SeriesHealth:
        """The health of a series; `drift` is what the last drift check said of the model that serves."""
        results = self._check(record, serving, evidence)
        health, reasons = judge([*results, drift] if drift else results)
        return SeriesHealth(record=record, serving=serving, results=results, health=health, reasons=reasons)

    def _check(self, record: SeriesRecord, serving: Serving | None, evidence: LiveEvidence) -> list[CheckResult]:
        if serving is not None and serving.model is not None:
            return check_modelled(
                record,
                serving.model,
                serving.artifact,
                evidence,
                policy=self.policy,
                max_failures=self.max_failures,
                now=self.now,
            )
        results = check_unmodelled(
            record, evidence.window, policy=self.policy, max_failures=self.max_failures, now=self.now
        )
        return results if serving is None else [serving.artifact, *results]
