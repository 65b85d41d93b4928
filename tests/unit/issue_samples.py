"""A finding and its incident, for the tests of what issues say."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.incidents.incident import Incident, fingerprint_of
from ml_core.domain.series import SeriesKey

NOW = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)
MODEL = UUID(int=9)
FINDING = Finding(
    finding_id=41,
    check="age",
    sequence=1,
    severity=Severity.WARNING,
    message="the model is 9 days old, 7 days are the most",
    opened_at=NOW,
    seen_at=NOW,
    occurrences=1,
    series_id=5,
    key=SeriesKey(device="PUMP-1", metric="flow"),
    model_id=MODEL,
    value=9.0,
    threshold=7.0,
)
INCIDENT = Incident(
    incident_id=12,
    fingerprint=fingerprint_of("age", "t/PUMP-1"),
    check="age",
    scope="t/PUMP-1",
    severity=Severity.WARNING,
    title="",
    opened_at=NOW,
    updated_at=NOW,
)
