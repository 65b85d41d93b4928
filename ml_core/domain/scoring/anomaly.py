"""A reading in the anomaly log as people look at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ml_core.domain.reviews.operator_verdict import OperatorVerdict
from ml_core.domain.series import SeriesKey


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """One row of the anomaly log with what a person said of it last; older rows may lack figures."""

    detection_id: UUID
    timestamp: datetime
    series_id: int
    key: SeriesKey
    is_anomaly: bool
    value: float | None = None
    score: float | None = None
    severity: float | None = None
    band_low: float | None = None
    band_high: float | None = None
    episode_id: int | None = None
    verdict: OperatorVerdict | None = None


@dataclass(frozen=True, kw_only=True)
class AuditedHour:
    """An hour drawn at random, for a person to say whether its unflagged readings are normal."""

    sample_id: UUID
    series_id: int
    key: SeriesKey
    hour: datetime
    """Its begin."""
    readings: int
    """Unflagged readings in it."""
    probability: float
    """With which it was drawn."""
    verdict: OperatorVerdict | None = None
