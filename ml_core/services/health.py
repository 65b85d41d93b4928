"""The daily health check: load what each model did lately, judge it, save verdict and findings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ml_core.domain.check import CheckResult, SeriesCheck
from ml_core.domain.check_names import CheckName
from ml_core.domain.finding import Observation
from ml_core.domain.fleet_checks import check_heartbeat, check_store_size
from ml_core.domain.health import judge, observe_results
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series_record import Health, SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.check_log import CheckLog
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.artifact_survey import ArtifactSurvey, survey_artifacts
from ml_core.services.live_evidence import LiveEvidence, LiveEvidenceLoader
from ml_core.services.named_series import list_named
from ml_core.services.runs import RunRecorder
from ml_core.services.series_checks import check_modelled, check_unmodelled
from ml_core.services.serving_models import Serving, ServingModels

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class HealthTally:
    """What a health check found and did."""

    series_ids: list[int] = field(default_factory=list)
    health: Counter[Health] = field(default_factory=Counter)
    """Of series that should have a model."""
    actions: Counter[str] = field(default_factory=Counter)
    observations: list[Observation] = field(default_factory=list)
    """What is wrong; kept for a dry run, which writes no findings."""
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """The answer on one series."""

    record: SeriesRecord
    serving: Serving | None
    results: Sequence[CheckResult]
    health: Health
    reasons: Sequence[str]
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """One daily check of the fleet."""

    series: SeriesRegistry
    models: ModelRegistry
    artifacts: ArtifactStore
    evidence: LiveEvidenceLoader
    checks: CheckLog
    findings: FindingLedger
    policy: HealthPolicy
    max_failures: int
    """Failed trainings in a row that fail."""
    series_per_batch: int
    now: datetime
    dry_run: bool = False

    def check_series(self, run: RunRecorder, *, only: str | None = None) -> HealthTally:
        """Check every series, or the named one; one that fails is told in the run's items and the rest goes on."""
        tally, finished = HealthTally(), run.finished_series()
        records = list_named(self.series, only)
        tally.series_ids.extend(record.series_id for record in records)
        todo = [record for record in records if record.series_id not in finished]
        survey = self._survey(todo, run)
        for start in range(0, len(todo), self.series_per_batch):
            self._check_shard(todo[start : start + self.series_per_batch], survey, run, tally)
            run.progress("series checked", min(start + self.series_per_batch, len(todo)), len(todo))
        return tally

    def check_fleet(self, tally: HealthTally, *, last_finished_at: datetime | None) -> None:
        """Check what is of no single series; `last_finished_at` is the end of the check before this one."""
        size_bytes = sum(artifact.size_bytes for artifact in self.artifacts.list_artifacts())
        results = [
            check_store_size(size_bytes, policy=self.policy),
            check_heartbeat(last_finished_at, now=self.now, policy=self.policy),
        ]
        self._observe(observe_results(results, series_id=None), tally)

    def _survey(self, records: Sequence[SeriesRecord], run: RunRecorder) -> ArtifactSurvey:
        ids = [record.series_id for record in records]
        active = self.models.list_versions(series_ids=ids, statuses=[ModelStatus.ACTIVE])
        return survey_artifacts(active, artifacts=self.artifacts, policy=self.policy, run=run)

    def _check_shard(
        self, records: Sequence[SeriesRecord], survey: ArtifactSurvey, run: RunRecorder, tally: HealthTally
    ) -> None:
        serving = ServingModels(
            registry=self.models, artifacts=self.artifacts, survey=survey, now=self.now, dry_run=self.dry_run
        ).find(records)
        models = {id_: standing.model for id_, standing in serving.items() if standing.model is not None}
        evidence = self.evidence.load(records, models)
        drift = self._load_drift(serving)
        judged, items = [], []
        for record in records:
            series_id = record.series_id
            try:
                answer = self._judge(record, serving.get(series_id), evidence[series_id], drift.get(series_id))
            except Exception as exc:  # one series' failure never stops the fleet's run
                logger.exception("the check of %s failed", record.key)
                items.append(_failed(series_id, f"{type(exc).__name__}: {exc}"))
            else:
                judged.append(answer)
                items.append(
                    _failed(series_id, answer.failure)
                    if answer.failure
                    else RunItem(series_id=series_id, outcome=ItemOutcome.SUCCEEDED)
                )
        self._save(judged, run, tally)
        tally.failed += sum(item.outcome is ItemOutcome.FAILED for item in items)
        run.record(items)

    def _load_drift(self, serving: Mapping[int, Serving]) -> dict[int, CheckResult]:
        """What the last drift check said of the model that serves now."""
        found: dict[int, CheckResult] = {}
        for series_id, checks in self.checks.latest_of_each(list(serving), checks=[CheckName.DRIFT]).items():
            model = serving[series_id].model
            if model is not None and checks[0].model_id == model.model_id:
                found[series_id] = checks[0].result
        return found

    def _judge(
        self,
        record: SeriesRecord,
        serving: Serving | None,
        evidence: LiveEvidence,
        drift: CheckResult | None,
    ) -> _Judged:
        results: list[CheckResult] = []
        if serving is not None and serving.model is not None:
            results = check_modelled(
                record,
                serving.model,
                serving.artifact,
                evidence,
                policy=self.policy,
                max_failures=self.max_failures,
                now=self.now,
            )
        else:
            results = check_unmodelled(
                record, evidence.window, policy=self.policy, max_failures=self.max_failures, now=self.now
            )
            if serving is not None:
                results.insert(0, serving.artifact)
        health, reasons = judge([*results, drift] if drift else results)
        return _Judged(
            record=record,
            serving=serving,
            results=results,
            health=health,
            reasons=reasons,
            failure=serving.failure if serving else None,
        )

    def _save(self, judged: Sequence[_Judged], run: RunRecorder, tally: HealthTally) -> None:
        checks, observations = [], []
        for answer in judged:
            model = answer.serving.model if answer.serving else None
            model_id = None if model is None else model.model_id
            series_id = answer.record.series_id
            checks += [SeriesCheck(series_id=series_id, model_id=model_id, result=result) for result in answer.results]
            observations += observe_results(answer.results, series_id=series_id, model_id=model_id)
            _count(answer, tally, self.now)
        if run.run is not None and not self.dry_run:
            self.checks.save(run.run.run_id, checks, at=self.now)
            health = {answer.record.series_id: (answer.health, answer.reasons) for answer in judged}
            self.series.save_health(health, at=self.now)
        self._observe(observations, tally)

    def _observe(self, observations: Sequence[Observation], tally: HealthTally) -> None:
        tally.observations.extend(seen for seen in observations if seen.severity is not None)
        if not self.dry_run:
            changes = self.findings.observe(observations, at=self.now)
            tally.actions["findings_opened"] += changes.opened
            tally.actions["findings_refreshed"] += changes.refreshed
            tally.actions["findings_resolved"] += changes.resolved


def _count(answer: _Judged, tally: HealthTally, now: datetime) -> None:
    if answer.serving is None:
        tally.actions["without_model"] += 1
    else:
        tally.health[answer.health] += 1
        tally.actions["quarantined"] += answer.serving.quarantined
        tally.actions["rolled_back"] += answer.serving.rolled_back
    tally.actions["muted"] += answer.record.is_muted(now)


def _failed(series_id: int, reason: str) -> RunItem:
    return RunItem(series_id=series_id, outcome=ItemOutcome.FAILED, reason=reason)
