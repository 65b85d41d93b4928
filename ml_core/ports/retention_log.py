"""Rows that have had their time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    import pandas as pd


class RetentionLog(Protocol):
    """Old detections, check results and run items, and what still needs its model."""

    def cited_models(self) -> frozenset[UUID]:
        """Models that an open finding is about."""
        ...

    def expired_partitions(self, *, before: datetime) -> list[str]:
        """Partitions of the anomaly log with nothing younger than `before`, the oldest first."""
        ...

    def read_partition(self, name: str) -> Iterator[pd.DataFrame]:
        """A partition's rows in batches, for the archive."""
        ...

    def drop_partition(self, name: str, *, before: datetime) -> None:
        """Drop a partition that is expired; anything else is refused by the database."""
        ...

    def delete_history(self, *, before: datetime) -> int:
        """Delete check results, run items and rejected readings older than `before`; rows deleted."""
        ...
