"""Where expired detections are kept before they go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class DetectionArchive(Protocol):
    """A folder or object store of Parquet files, one a partition, and another where rows of its time came later."""

    def write(self, name: str, batches: Iterable[pa.Table]) -> int:
        """Write a partition (one batch of rows at least), all or nothing, over no other file; rows written."""
        ...
