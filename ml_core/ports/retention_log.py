"""Rows that have had their time."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa


class RetentionLog(Protocol):
    """Old detections, check results and run items, and what still needs its model."""

    def series_with_artifacts(self) -> list[int]:
        """Every series of which some version still has its artifact, whatever its name and state."""
        ...

    def cited_models(self) -> frozenset[UUID]:
        """Models that an open finding, or one of an open incident, is about."""
        ...

    def expired_partitions(self, *, before: datetime) -> list[str]:
        """Partitions of the anomaly log with nothing younger than `before`, the oldest first."""
        ...

    def read_partition(self, name: str, *, before: datetime) -> Generator[pa.Table]:
        """An expired partition's rows in batches of one schema, at least one batch; close it when done."""
        ...

    def drop_partition(self, name: str, *, before: datetime, rows: int | None = None) -> None:
        """Drop a partition that is expired and, if they are given, has as many rows; else the database refuses."""
        ...

    def delete_history(self, *, before: datetime, rollups_before: datetime) -> int:
        """Delete some check results, run items, refused readings and rollups of before then.

        Answers how many rows went; call it until that is 0.
        """
        ...
