"""Where expired detections are kept before they go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


class DetectionArchive(Protocol):
    """A folder or object store of Parquet files, one a partition."""

    def write(self, name: str, batches: Iterable[pd.DataFrame]) -> int:
        """Write the rows of one partition, all or nothing; rows written."""
        ...
