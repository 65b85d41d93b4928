"""How good detection is in the whole fleet, as far as people have said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ml_core.domain.reviews.detection_quality import DetectionQuality, estimate_quality
from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.ports.audit_log import AuditLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.ports.verdict_log import VerdictLog


@dataclass(frozen=True, kw_only=True)
class ReviewedFleet:
    """What people looked at, what the models said in that time, and what follows."""

    counts: VerdictCounts
    scored: int
    flagged: int
    quality: DetectionQuality


def rate_fleet(
    series: SeriesRegistry,
    verdicts: VerdictLog,
    audits: AuditLog,
    *,
    after: datetime,
    until: datetime,
    min_reviews: int,
) -> ReviewedFleet:
    """The rates of all series together over a time."""
    series_ids = [record.series_id for record in series.list_series()]
    latest = verdicts.count_latest(series_ids, after=after, until=until)
    counts = sum(latest.values(), VerdictCounts())
    scored, flagged = audits.count_scored(after=after, until=until)
    return ReviewedFleet(
        counts=counts,
        scored=scored,
        flagged=flagged,
        quality=estimate_quality(counts, scored=scored, flagged=flagged, min_reviews=min_reviews),
    )
