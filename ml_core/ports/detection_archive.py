"""Where expired detections are kept before they go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class DetectionArchive(Protocol):
    """A folder or object store of Parquet files, one a partition."""

    def write(self, name: str, batches: Iterable[pa.Table]) -> int:
        """Write a partition (one batch of rows at least), all or nothing, in place of an older file; rows written."""
        ...
