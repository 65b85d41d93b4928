"""Purge: plan, stop where the plan is larger than expected, then remove what is planned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ml_core.domain.blast_radius import BlastRadius
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.retention import ORPHAN_AGE, PurgePlan, draw_plan
from ml_core.errors import ConfirmationRequiredError, ConflictError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.detection_archive import DetectionArchive
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.retention_log import RetentionLog
from ml_core.services.runs import RunRecorder

UNPURGED = tuple(status for status in ModelStatus if status is not ModelStatus.PURGED)
SERIES_PER_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class PurgeDone:
    """What a purge did."""

    stayed: tuple[ModelVersion, ...] = ()
    """Versions of the plan that somebody pinned or put to use meanwhile."""
    bytes_trashed: int = 0
    bytes_freed: int = 0
    archived_rows: int = 0
    history_rows: int = 0


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
        """What would go; the same all day unless something happens, so that a person has time to confirm it."""
        # Files before rows: what is written meanwhile is no orphan.
        stored = {artifact.sha256: artifact.modified_at for artifact in self.artifacts.list_artifacts()}
        return draw_plan(
            list(self._list_versions()),
            cited=self.retention.cited_models(),
            stored=stored,
            partitions=self.retention.expired_partitions(before=self._detections_before),
            policy=self.policy,
            now=self._today,
        )

    def expect(self, *, days_since_last: float | None, retrain_days: float) -> BlastRadius:
        """How much is expected to go."""
        active = self.models.list_versions(statuses=[ModelStatus.ACTIVE])
        return BlastRadius.expect(
            series=len(active), days_since_last=days_since_last, retrain_days=retrain_days, policy=self.policy
        )

    def require_consent(self, plan: PurgePlan, expected: BlastRadius, confirm: str | None) -> None:
        """Raise ConfirmationRequiredError where the plan is larger than expected and its hash was not given."""
        if expected.holds(plan) or confirm == plan.plan_hash:
            return
        changed = "" if confirm is None else f"; {confirm} was the hash of another plan"
        raise ConfirmationRequiredError(
            f"the purge would remove more than expected: models {plan.removals} (at most {expected.removals}), months "
            f"of detections {len(plan.partitions)} (at most {expected.partitions}); nothing was removed{changed}. See "
            "`ml-health run ml_purge --dry-run`; if it shall go, `ml-health run ml_purge "
            f"--slot {self.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} --param confirm={plan.plan_hash}`"
        )

    def carry_out(self, plan: PurgePlan, run: RunRecorder) -> PurgeDone:
        """Remove what is planned, in steps that can be stopped between and begun again."""
        self.artifacts.sweep_unfinished(before=self.now - ORPHAN_AGE)
        stayed = self._mark(plan.versions, run)
        # Rows before files: if this process dies between, the files are orphans and go the next time.
        kept = {version.artifact_sha256 for version in stayed}
        trashed = self._trash([sha256 for sha256 in (*plan.orphans, *plan.artifacts) if sha256 not in kept], run)
        return PurgeDone(
            stayed=tuple(stayed),
            bytes_trashed=trashed,
            bytes_freed=self.artifacts.empty_trash(before=self.now - timedelta(days=self.policy.trash_days)),
            history_rows=self._delete_history(run),
            # Last: where the archive is full, what frees space has been done.
            archived_rows=self._drop(plan.partitions, run),
        )

    def _list_versions(self) -> Iterator[ModelVersion]:
        """All versions that have an artifact to lose, without their metadata, which is large and not needed."""
        ids = self.retention.series_with_artifacts()
        for start in range(0, len(ids), SERIES_PER_BATCH):
            batch = ids[start : start + SERIES_PER_BATCH]
            for version in self.models.list_versions(series_ids=batch, statuses=UNPURGED):
                yield replace(version, metadata={})

    @property
    def _today(self) -> datetime:
        return self.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def _detections_before(self) -> datetime:
        return self._today - timedelta(days=self.policy.detection_days)

    def _mark(self, versions: tuple[ModelVersion, ...], run: RunRecorder) -> list[ModelVersion]:
        """Mark versions purged; answers those that somebody has pinned or put to use since the plan was made."""
        stayed = []
        for done, version in enumerate(versions):
            run.progress("purging versions", done, len(versions))
            run.stop_if_asked()
            try:
                self.models.set_status(
                    version.model_id,
                    ModelStatus.PURGED,
                    at=self.now,
                    reason=f"{version.status.value} for longer than is kept",
                    event="purged",
                )
            except ConflictError:
                stayed.append(version)
        return stayed

    def _trash(self, artifacts: list[str], run: RunRecorder) -> int:
        moved = 0
        for done, sha256 in enumerate(artifacts):
            run.progress("moving artifacts to the trash", done, len(artifacts))
            run.stop_if_asked()
            # A training that runs now may have come to the same bytes, which its version will name.
            moved += self.artifacts.trash(sha256, at=self.now, written_before=self.now - ORPHAN_AGE)
        return moved

    def _drop(self, partitions: tuple[str, ...], run: RunRecorder) -> int:
        archived = 0
        for done, name in enumerate(partitions):
            run.progress("dropping months of detections", done, len(partitions))
            run.stop_if_asked()
            rows = None
            if self.archive is not None:
                with closing(self.retention.read_partition(name, before=self._detections_before)) as batches:
                    rows = self.archive.write(name, batches)
            self.retention.drop_partition(name, before=self._detections_before, rows=rows)
            archived += rows or 0
        return archived

    def _delete_history(self, run: RunRecorder) -> int:
        before = self.now - timedelta(days=self.policy.run_days)
        rollups_before = self.now - timedelta(days=self.policy.rollup_days)
        deleted = 0
        while batch := self.retention.delete_history(before=before, rollups_before=rollups_before):
            deleted += batch
            run.stop_if_asked()
        return deleted
