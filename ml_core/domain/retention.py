"""What may be purged: decided in one place, without touching anything."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import RetentionPolicy

ORPHAN_AGE = timedelta(days=1)
"""An artifact that no version names is left alone this long: its version may be about to be written."""


@dataclass(frozen=True, kw_only=True)
class PurgePlan:
    """What a purge would remove; its hash names exactly this."""

    versions: tuple[ModelVersion, ...] = ()
    artifacts: tuple[str, ...] = ()
    """SHA-256 of what these versions were saved as, where no version that stays was saved as the same bytes."""
    orphans: tuple[str, ...] = ()
    """SHA-256 of artifacts that no version names."""
    partitions: tuple[str, ...] = ()
    """Partitions of the anomaly log, the oldest first."""

    @property
    def removals(self) -> int:
        """How many models go: versions and orphans."""
        return len(self.versions) + len(self.orphans)

    @property
    def plan_hash(self) -> str:
        """Twelve hex digits that change with anything in the plan, whatever its order."""
        parts = [
            *(f"version {version.model_id}" for version in self.versions),
            *(f"artifact {sha256}" for sha256 in self.artifacts),
            *(f"orphan {sha256}" for sha256 in self.orphans),
            *(f"partition {name}" for name in self.partitions),
        ]
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:12]


def draw_plan(
    versions: Sequence[ModelVersion],
    *,
    cited: Collection[UUID],
    stored: Mapping[str, datetime | None],
    partitions: Sequence[str],
    policy: RetentionPolicy,
    now: datetime,
) -> PurgePlan:
    """Everything that may go: `versions` are all that are not purged, `cited` the models of open findings.

    `stored` are the artifacts by hash with the time they were written, `partitions` those that have expired.
    """
    going = choose_versions(versions, cited=cited, policy=policy, now=now)
    chosen = {version.model_id for version in going}
    kept = {version.artifact_sha256 for version in versions if version.model_id not in chosen}
    released = {version.artifact_sha256 for version in going if version.artifact_sha256 is not None} - kept
    return PurgePlan(
        versions=tuple(going),
        artifacts=tuple(sorted(released)),
        orphans=tuple(find_orphans(stored, versions, now=now)),
        partitions=tuple(partitions),
    )


def choose_versions(
    versions: Iterable[ModelVersion], *, cited: Collection[UUID], policy: RetentionPolicy, now: datetime
) -> list[ModelVersion]:
    """Versions whose artifacts may go: never an active, previous, pinned or cited one, and only old ones."""
    chosen: list[ModelVersion] = []
    ordered = sorted(_with_artifact(versions), key=lambda version: (version.series_id, version.version))
    for _, group in groupby(ordered, key=lambda version: version.series_id):
        own = list(group)
        spared = _newest_retired(own, policy.retired_versions) | set(cited)
        chosen.extend(
            version
            for version in own
            if not version.pinned and version.model_id not in spared and _is_expired(version, policy, now)
        )
    return chosen


def find_orphans(
    stored: Mapping[str, datetime | None], versions: Iterable[ModelVersion], *, now: datetime
) -> list[str]:
    """Stored artifacts that no version names, once they are old enough; those of unknown age stay."""
    named = {version.artifact_sha256 for version in _with_artifact(versions)}
    return sorted(
        sha256
        for sha256, written_at in stored.items()
        if sha256 not in named and written_at is not None and now - written_at > ORPHAN_AGE
    )


def _with_artifact(versions: Iterable[ModelVersion]) -> Iterable[ModelVersion]:
    return (
        version for version in versions if version.artifact_sha256 is not None and version.artifact_purged_at is None
    )


def _newest_retired(own: Iterable[ModelVersion], count: int) -> set[UUID]:
    """The previous champion, which is the one that retired last, and those before it."""
    retired = [version for version in own if version.status is ModelStatus.RETIRED]
    retired.sort(key=lambda version: (version.retired_at or version.created_at, version.version))
    return {version.model_id for version in retired[-count:]}


def _is_expired(version: ModelVersion, policy: RetentionPolicy, now: datetime) -> bool:
    match version.status:
        case ModelStatus.RETIRED:
            since, days = version.retired_at, policy.retired_days
        case ModelStatus.REJECTED | ModelStatus.QUARANTINED:
            # The last change of such a version is that somebody gave it up.
            since, days = version.updated_at, policy.rejected_days
        case _:
            return False
    return now - (since or version.created_at) > timedelta(days=days)
