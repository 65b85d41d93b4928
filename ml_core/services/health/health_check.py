"""The daily health check: load what each model did lately, judge it, save verdict and findings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_core.domain.checks.check import CheckResult
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.fleet_checks import check_heartbeat, check_store_size
from ml_core.domain.checks.health import observe_results
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.check_log import CheckLog
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.health.artifact_survey import ArtifactSurvey, survey_artifacts
from ml_core.services.health.health_writer import HealthTally, HealthWriter
from ml_core.services.health.live_evidence import LiveEvidence, LiveEvidenceLoader
from ml_core.services.health.series_health import SeriesHealth, SeriesJudge
from ml_core.services.named_series import list_named
from ml_core.services.runs import RunRecorder
from ml_core.services.scoring.serving_models import Serving, ServingModels

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """One daily check of the fleet."""

    series: SeriesRegistry
    models: ModelRegistry
    artifacts: ArtifactStore
    evidence: LiveEvidenceLoader
    checks: CheckLog
    judge: SeriesJudge
    writer: HealthWriter
    policy: HealthPolicy
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
        self.writer.observe(observe_results(results, series_id=None), tally)

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
        answers = [
            self._judge(record, serving.get(record.series_id), evidence[record.series_id], drift.get(record.series_id))
            for record in records
        ]
        self.writer.write([answer for answer in answers if isinstance(answer, SeriesHealth)], run, tally)
        items = [answer.item if isinstance(answer, SeriesHealth) else answer for answer in answers]
        tally.failed += sum(item.outcome is ItemOutcome.FAILED for item in items)
        run.record(items)

    def _load_drift(self, serving: Mapping[int, Serving]) -> dict[int, CheckResult]:
        """What the last drift check said of the model that serves now."""
        found: dict[int, CheckResult] = {}
        for series_id, checks in self.checks.latest_of_each(
            list(serving), checks=[CheckName.DRIFT], until=self.now
        ).items():
            model = serving[series_id].model
            if model is not None and checks[0].model_id == model.model_id:
                found[series_id] = checks[0].result
        return found

    def _judge(
        self, record: SeriesRecord, serving: Serving | None, evidence: LiveEvidence, drift: CheckResult | None
    ) -> SeriesHealth | RunItem:
        try:
            return self.judge.judge(record, serving, evidence, drift)
        except Exception as exc:  # one series' failure never stops the fleet's run
            logger.exception("the check of %s failed", record.key)
            reason = f"{type(exc).__name__}: {exc}"
            return RunItem(series_id=record.series_id, outcome=ItemOutcome.FAILED, reason=reason)
