"""Versions of a series' model and the states they may pass through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ml_core.domain.state_machine import StateMachine, Step


class ModelStatus(StrEnum):
    """Where a model version stands; exactly one version of a series is active."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    PURGED = "purged"


def _step(source: ModelStatus, target: ModelStatus, when: str) -> Step[ModelStatus]:
    return Step(source=source, target=target, when=when)


MODEL_LIFE = StateMachine(
    subject="a model version",
    initial=ModelStatus.CANDIDATE,
    steps=(
        _step(ModelStatus.CANDIDATE, ModelStatus.ACTIVE, "passed the gate"),
        _step(ModelStatus.CANDIDATE, ModelStatus.SHADOW, "the cause was drift"),
        _step(ModelStatus.CANDIDATE, ModelStatus.REJECTED, "lost at the gate, or its run ended before it"),
        _step(ModelStatus.CANDIDATE, ModelStatus.QUARANTINED, "artifact damaged"),
        _step(ModelStatus.SHADOW, ModelStatus.ACTIVE, "kept to the target on trial"),
        _step(ModelStatus.SHADOW, ModelStatus.REJECTED, "too loud on trial, or overtaken"),
        _step(ModelStatus.SHADOW, ModelStatus.QUARANTINED, "artifact damaged"),
        _step(ModelStatus.ACTIVE, ModelStatus.RETIRED, "another version serves"),
        _step(ModelStatus.ACTIVE, ModelStatus.QUARANTINED, "artifact damaged"),
        _step(ModelStatus.RETIRED, ModelStatus.ACTIVE, "roll back"),
        _step(ModelStatus.RETIRED, ModelStatus.QUARANTINED, "artifact damaged"),
        _step(ModelStatus.RETIRED, ModelStatus.PURGED, "retention is over"),
        _step(ModelStatus.REJECTED, ModelStatus.PURGED, "retention is over"),
        _step(ModelStatus.QUARANTINED, ModelStatus.PURGED, "retention is over"),
    ),
)
"""The steps that a version may take; whatever changes a status asks this table first."""


def check_transition(current: ModelStatus, target: ModelStatus) -> None:
    """Raise TransitionError where a version may not go from `current` to `target`."""
    MODEL_LIFE.check(current, target)


class TrainingCause(StrEnum):
    """Why a model was trained."""

    FIRST = "first"
    ADOPTED = "adopted"
    AGE = "age"
    DEGRADED = "degraded"
    ARTIFACT = "artifact"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """One row of the registry (table ml_models)."""

    model_id: UUID
    series_id: int
    version: int
    kind: str
    status: ModelStatus
    created_at: datetime
    trained_at: datetime | None = None
    promoted_at: datetime | None = None
    retired_at: datetime | None = None
    updated_at: datetime | None = None
    training_from: datetime | None = None
    training_to: datetime | None = None
    training_samples: int | None = None
    training_ms: float | None = None
    contamination: float | None = None
    n_estimators: int | None = None
    target_alarm_rate: float | None = None
    artifact_sha256: str | None = None
    artifact_bytes: int | None = None
    artifact_purged_at: datetime | None = None
    pinned: bool = False
    adopted: bool = False
    cause: str | None = None
    outcome_reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The artifact's own description (training range, quantiles, intervals), for checks and views."""


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A trained candidate that has no number yet."""

    series_id: int
    kind: str
    trained_at: datetime
    cause: TrainingCause
    training_from: datetime
    training_to: datetime
    training_samples: int
    training_ms: float
    contamination: float | None
    n_estimators: int
    target_alarm_rate: float
    artifact_sha256: str
    artifact_uri: str
    artifact_bytes: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelEvent:
    """Something done to a series' model, and why; shown to people."""

    series_id: int
    event: str
    happened_at: datetime
    model_id: UUID | None = None
    cause: str | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
