"""What may be purged, and how much of it one run may remove without being asked."""

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
    """What a purge would remove; its hash names exactly this set."""

    versions: tuple[ModelVersion, ...] = ()
    orphans: tuple[str, ...] = ()
    """SHA-256 of artifacts that no version names."""
    partitions: tuple[str, ...] = ()
    """Partitions of the anomaly log that are older than its retention."""

    @property
    def size(self) -> int:
        """How many things go that cannot be made again: versions, orphans and partitions."""
        return len(self.versions) + len(self.orphans) + len(self.partitions)

    @property
    def plan_hash(self) -> str:
        """Twelve hex digits that change with anything in the plan."""
        parts = [*(str(version.model_id) for version in self.versions), *self.orphans, *self.partitions]
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:12]


def choose_versions(
    versions: Iterable[ModelVersion], *, cited: Collection[UUID], policy: RetentionPolicy, now: datetime
) -> list[ModelVersion]:
    """Versions whose artifacts may go: never an active, pinned, cited or previous one, and only old ones.

    `cited` are the models that open findings are about. Versions without an artifact are left out.
    """
    chosen: list[ModelVersion] = []
    ordered = sorted(versions, key=lambda version: (version.series_id, version.version))
    for _, group in groupby(ordered, key=lambda version: version.series_id):
        own = list(group)
        kept = _kept_retired(own, policy)
        chosen.extend(
            version
            for version in own
            if version.artifact_sha256 is not None
            and version.artifact_purged_at is None
            and not version.pinned
            and version.model_id not in cited
            and version.model_id not in kept
            and _is_expired(version, policy, now)
        )
    return chosen


def find_orphans(
    stored: Mapping[str, datetime | None], versions: Iterable[ModelVersion], *, now: datetime
) -> list[str]:
    """Stored artifacts (hash and time of writing) that no unpurged version names, once they are old enough."""
    named = {version.artifact_sha256 for version in versions if version.artifact_purged_at is None}
    return sorted(
        sha256
        for sha256, modified_at in stored.items()
        if sha256 not in named and modified_at is not None and now - modified_at > ORPHAN_AGE
    )


def blast_radius(series: int, *, days_since_last: float, retrain_days: float, policy: RetentionPolicy) -> int:
    """Removals that need no confirmation: the floor, or twice what the retrain cadence makes expected."""
    expected = series / retrain_days * min(max(days_since_last, 1.0), retrain_days)
    return max(policy.min_blast_radius, int(2 * expected))


def _kept_retired(own: Sequence[ModelVersion], policy: RetentionPolicy) -> set[UUID]:
    retired = [version for version in own if version.status is ModelStatus.RETIRED]
    # The previous champion is the one that retired last; the newest few stay beside it.
    retired.sort(key=lambda version: (version.retired_at or version.created_at, version.version))
    return {version.model_id for version in retired[-policy.retired_versions :]}


def _is_expired(version: ModelVersion, policy: RetentionPolicy, now: datetime) -> bool:
    match version.status:
        case ModelStatus.RETIRED:
            days = policy.retired_days
        case ModelStatus.REJECTED | ModelStatus.QUARANTINED:
            days = policy.rejected_days
        case _:
            return False
    return now - (version.retired_at or version.created_at) > timedelta(days=days)
