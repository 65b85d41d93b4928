"""What is stored about a decision: the records that an explanation is told from, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ml_core.domain.gate.gate_check import GateCheck


@dataclass(frozen=True, kw_only=True)
class PastEvent:
    """Something done to a model, with what the gate answered."""

    happened_at: datetime
    event: str
    cause: str | None
    reason: str | None
    gate: tuple[GateCheck, ...] = ()
    series: str | None = None
    """Whose model it is, where several are spoken of."""


@dataclass(frozen=True, kw_only=True)
class PastCheck:
    """The newest answer of one check."""

    checked_at: datetime
    check: str
    verdict: str
    reason: str
    value: float | None
    threshold: float | None
    series: str


@dataclass(frozen=True, kw_only=True)
class PastFinding:
    """Something found wrong, perhaps mended since."""

    check: str
    severity: str
    message: str
    value: float | None
    threshold: float | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_reason: str | None
    series: str | None


@dataclass(frozen=True, kw_only=True)
class PastVerdict:
    """What a person said."""

    given_at: datetime
    verdict: str
    given_by: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class PastAlert:
    """What was written of an episode to be told."""

    happened_at: datetime
    kind: str
    skipped_reason: str | None
    """Why nobody is told."""
    told_at: datetime | None
    """When a channel took it; None as long as none has."""


@dataclass(frozen=True, kw_only=True)
class PastMessage:
    """What was put into the outbox for the issue tracker, and what became of it."""

    created_at: datetime
    action: str
    status: str
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class PastEpisode:
    """The episode that an alarm belongs to."""

    episode_id: int
    opened_at: datetime
    last_alarm_at: datetime
    closed_at: datetime | None
    alarms: int
    peak_value: float


@dataclass(frozen=True, kw_only=True)
class PastDeviceEpisode:
    """What the metrics of the device said together."""

    device_episode_id: int
    metrics: Sequence[str]
    judgement: str
    words: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelTrail:
    """Everything stored about one model version beside its own row."""

    series_id: int
    events: Sequence[PastEvent] = ()
    checks: Sequence[PastCheck] = ()
    findings: Sequence[PastFinding] = ()


@dataclass(frozen=True, kw_only=True)
class AnomalyTrail:
    """Everything stored about one reading of the log beside its own figures."""

    model_id: UUID | None
    confidence: float | None
    frozen_score: float | None
    reason: Mapping[str, Any] = field(default_factory=dict)
    """The detector's own words and figures."""
    detected_at: datetime | None = None
    episode: PastEpisode | None = None
    device: PastDeviceEpisode | None = None
    """Where it is told with other metrics of its device."""
    alerts: Sequence[PastAlert] = ()
    verdicts: Sequence[PastVerdict] = ()


@dataclass(frozen=True, kw_only=True)
class IncidentTrail:
    """Everything stored about one incident beside its own row; the gravest and oldest findings come first."""

    finding_count: int
    findings: Sequence[PastFinding] = ()
    checks: Sequence[PastCheck] = ()
    events: Sequence[PastEvent] = ()
    messages: Sequence[PastMessage] = ()
