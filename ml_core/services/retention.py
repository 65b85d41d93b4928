"""Purge: plan, stop where the plan is larger than expected, then remove what is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.retention import PurgePlan, blast_radius, choose_versions, find_orphans
from ml_core.errors import ConfirmationRequiredError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.detection_archive import DetectionArchive
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.retention_log import RetentionLog
from ml_core.services.runs import RunRecorder


@dataclass(frozen=True, kw_only=True)
class PurgeDone:
    """What a purge removed, or would remove."""

    plan: PurgePlan
    bytes_freed: int = 0
    history_rows: int = 0
    archived_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Purge:
    """One purge of everything that has had its time."""

    models: ModelRegistry
    artifacts: ArtifactStore
    retention: RetentionLog
    archive: DetectionArchive | None
    policy: RetentionPolicy
    now: datetime

    def plan(self) -> PurgePlan:
        """What would go now."""
        versions = self.models.list_versions()
        stored = {artifact.sha256: artifact.modified_at for artifact in self.artifacts.list_artifacts()}
        return PurgePlan(
            versions=tuple(
                choose_versions(versions, cited=self.retention.cited_models(), policy=self.policy, now=self.now)
            ),
            orphans=tuple(find_orphans(stored, versions, now=self.now)),
            partitions=tuple(self.retention.expired_partitions(before=self._detections_before)),
        )

    def check_size(self, plan: PurgePlan, *, days_since_last: float, retrain_days: float, confirm: str | None) -> None:
        """Raise ConfirmationRequiredError where the plan is too large and was not confirmed by its hash."""
        series = len({version.series_id for version in self.models.list_versions(statuses=[ModelStatus.ACTIVE])})
        allowed = blast_radius(series, days_since_last=days_since_last, retrain_days=retrain_days, policy=self.policy)
        if plan.size > allowed and confirm != plan.plan_hash:
            raise ConfirmationRequiredError(
                f"the purge would remove {plan.size} things, more than the {allowed} that are expected; look at "
                f"`ml-health run ml_purge --dry-run`, then run it with --param confirm={plan.plan_hash}"
            )

    def carry_out(self, plan: PurgePlan, run: RunRecorder) -> PurgeDone:
        """Remove what is planned, in steps that can be stopped between and begun again."""
        self.artifacts.sweep_unfinished(before=self.now - timedelta(days=1))
        freed = sum(self.artifacts.trash(sha256, at=self.now) for sha256 in plan.orphans)
        for done, version in enumerate(plan.versions):
            run.progress("purging versions", done, len(plan.versions))
            freed += self._purge_version(version)
            run.stop_if_asked()
        archived = sum(self._drop(name) for name in plan.partitions)
        self.artifacts.empty_trash(before=self.now - timedelta(days=self.policy.trash_days))
        rows = self.retention.delete_history(before=self.now - timedelta(days=self.policy.run_days))
        return PurgeDone(plan=plan, bytes_freed=freed, history_rows=rows, archived_rows=archived)

    @property
    def _detections_before(self) -> datetime:
        return self.now - timedelta(days=self.policy.detection_days)

    def _purge_version(self, version: ModelVersion) -> int:
        # The row first: if this process dies before the file goes, the file is an orphan and is swept later.
        self.models.set_status(
            version.model_id,
            ModelStatus.PURGED,
            at=self.now,
            reason="its retention has passed",
            event="purged",
        )
        if version.artifact_sha256 is None or self._is_shared(version):
            return 0
        return self.artifacts.trash(version.artifact_sha256, at=self.now)

    def _is_shared(self, version: ModelVersion) -> bool:
        """Whether another version of the series has the same artifact: the same readings give the same bytes."""
        return any(
            other.artifact_sha256 == version.artifact_sha256 and other.artifact_purged_at is None
            for other in self.models.list_versions(series_ids=[version.series_id])
            if other.model_id != version.model_id
        )

    def _drop(self, name: str) -> int:
        archived = 0
        if self.archive is not None:
            archived = self.archive.write(name, self.retention.read_partition(name))
        self.retention.drop_partition(name, before=self._detections_before)
        return archived
