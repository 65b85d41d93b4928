"""What people said of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.reviews.judged_readings import JudgedReadings
from ml_core.domain.reviews.operator_verdict import NewVerdict, VerdictCounts


class VerdictLog(Protocol):
    """Table ml_health.verdict: append-only, the latest verdict on a reading, hour or stretch counts."""

    def add(self, *verdicts: NewVerdict) -> None:
        """Keep verdicts, all or none."""
        ...

    def count_latest(
        self, series_ids: Sequence[int], *, after: datetime, until: datetime
    ) -> Mapping[int, VerdictCounts]:
        """Latest verdicts on readings and audited hours with after < timestamp <= until, of every asked series."""
        ...

    def list_judged(self, series_ids: Sequence[int]) -> Mapping[int, JudgedReadings]:
        """What people last called anomalies, missed or false alarms, of those series that have any."""
        ...
