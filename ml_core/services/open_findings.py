"""The open findings of some series, in the form in which a run tells them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ml_core.domain.incidents.finding import Observation
from ml_core.domain.series_record import SeriesRecord
from ml_core.ports.finding_ledger import FindingLedger


def tell_open_findings(
    findings: FindingLedger, series_ids: Collection[int], *, now: datetime, checks: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Open findings of those series and of the fleet itself, muted ones marked."""
    asked = set(series_ids)
    return [
        finding.to_json() | {"muted": finding.muted}
        for finding in findings.list_open(now=now, checks=checks)
        if finding.series_id is None or finding.series_id in asked
    ]


def tell_observations(
    observations: Sequence[Observation], records: Mapping[int, SeriesRecord], *, now: datetime
) -> list[dict[str, Any]]:
    """What a dry run saw, in the form of findings that were not written."""
    return [
        {
            "id": None,
            "check": seen.check,
            "series": None if seen.series_id is None else str(records[seen.series_id].key),
            "series_id": seen.series_id,
            "tenant": None if seen.series_id is None else str(records[seen.series_id].key.tenant),
            "severity": None if seen.severity is None else seen.severity.value,
            "message": seen.message,
            "value": seen.value,
            "threshold": seen.threshold,
            "muted": seen.series_id is not None and records[seen.series_id].is_muted(now),
        }
        for seen in observations
    ]
