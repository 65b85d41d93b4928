"""The version that served last and is whole serves again: where a model is damaged, or where a person asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.model_checks import check_artifact
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import ConflictError, MLHealthError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.model_registry import ModelRegistry
from ml_core.services.health.artifact_survey import load_artifact
from ml_core.services.training.promotion import Promotion


def quarantine(model: ModelVersion, problem: str, *, registry: ModelRegistry, now: datetime) -> None:
    """Put a model aside whose artifact is lost."""
    registry.set_status(model.model_id, ModelStatus.QUARANTINED, at=now, reason=problem, event="quarantined")


def roll_back(
    retired: Iterable[ModelVersion],
    problem: str,
    *,
    registry: ModelRegistry,
    artifacts: ArtifactStore,
    now: datetime,
) -> tuple[ModelVersion | None, CheckResult]:
    """Make the version that retired last, of those whose artifact holds, serve again, where there is one.

    The check warns where an older version serves, and fails where none does.
    """
    for version in _newest_first(retired):
        if not _is_whole(version, artifacts):
            continue
        reason = f"version {version.version} serves again: {problem}"
        registry.promote(version.model_id, champion_id=None, at=now, reason=reason, event="rolled_back")
        result = CheckResult(
            check=CheckName.ARTIFACT,
            verdict=Verdict.WARN,
            reason=reason,
            evidence={"serving_version": version.version, "problem": problem},
        )
        return version, result
    return None, check_artifact(f"no model serves and no older version is whole: {problem}")


def roll_back_by_hand(
    record: SeriesRecord, *, promotion: Promotion, artifacts: ArtifactStore, reason: str, dry_run: bool = False
) -> ModelVersion:
    """Make the version that retired last, of those whose artifact is whole, serve again; ConflictError where none is.

    A dry run answers the version that would serve, and changes nothing.
    """
    versions = promotion.models.list_versions(
        series_ids=[record.series_id], statuses=[ModelStatus.ACTIVE, ModelStatus.RETIRED]
    )
    champion = next((version for version in versions if version.status is ModelStatus.ACTIVE), None)
    for version in _newest_first(v for v in versions if v.status is ModelStatus.RETIRED):
        if _is_whole(version, artifacts):
            if not dry_run:
                promotion.restore(record, version, champion=champion, reason=reason)
            return version
    raise ConflictError(
        f"{record.key} has no older version with a whole artifact to roll back to; "
        f"`ml-health run ml_retrain --param series={record.key} --param force=true` trains a new one"
    )


def _newest_first(retired: Iterable[ModelVersion]) -> list[ModelVersion]:
    """The one that served last comes first, as purge keeps it: after a roll back that is not the highest number."""
    return sorted(retired, key=lambda v: (v.retired_at or v.created_at, v.version), reverse=True)


def _is_whole(version: ModelVersion, artifacts: ArtifactStore) -> bool:
    if version.artifact_purged_at is not None:
        return False
    try:
        load_artifact(version, artifacts)
    except MLHealthError:
        return False
    return True
