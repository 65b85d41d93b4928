"""A finding: one check of one series that is wrong, from the run that first saw it to the one that saw it mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ml_core.domain.series import SeriesKey


class Severity(StrEnum):
    """How much a finding matters."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a check says now about one series (series_id None: the fleet itself): wrong with a severity, or fine."""

    check: str
    series_id: int | None
    severity: Severity | None
    """None: the check is fine again, an open finding is resolved."""
    message: str
    model_id: UUID | None = None
    value: float | None = None
    threshold: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of ml_health.finding."""

    finding_id: int
    check: str
    sequence: int
    """How many times this check has opened on this series: keeps a host's fingerprints apart after closing."""
    severity: Severity
    message: str
    opened_at: datetime
    seen_at: datetime
    occurrences: int
    series_id: int | None = None
    key: SeriesKey | None = None
    model_id: UUID | None = None
    incident_id: int | None = None
    value: float | None = None
    threshold: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    resolved_at: datetime | None = None
    resolved_reason: str | None = None
    muted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form in which runs and commands print a finding."""
        return {
            "id": self.finding_id,
            "check": self.check,
            "series": None if self.key is None else str(self.key),
            "series_id": self.series_id,
            "tenant": None if self.key is None else str(self.key.tenant),
            "severity": self.severity.value,
            "message": self.message,
            "value": self.value,
            "threshold": self.threshold,
            "since": self.opened_at.isoformat(),
            "occurrences": self.occurrences,
            "incident": self.incident_id,
        }
