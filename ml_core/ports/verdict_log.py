"""What people said of alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.judged_readings import JudgedReadings
from ml_core.domain.operator_verdict import NewVerdict, VerdictCounts


class VerdictLog(Protocol):
    """Table ml_health.verdict: append-only, the latest verdict on a reading counts."""

    def add(self, verdict: NewVerdict) -> int:
        """Keep a verdict; its number."""
        ...

    def count_latest(
        self, series_ids: Sequence[int], *, after: datetime, until: datetime
    ) -> Mapping[int, VerdictCounts]:
        """Latest verdicts on readings with after < timestamp <= until; every asked series is answered."""
        ...

    def list_judged(self, series_ids: Sequence[int]) -> Mapping[int, JudgedReadings]:
        """The readings that people last called anomalies or false alarms, of those series that have any."""
        ...
