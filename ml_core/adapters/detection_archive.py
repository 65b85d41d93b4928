"""Expired detections as Parquet files behind an fsspec URL."""

from __future__ import annotations

import json
from collections.abc import Iterable

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


class ParquetArchive:
    """One file a partition, written beside and moved into place when whole."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)

    def write(self, name: str, batches: Iterable[pd.DataFrame]) -> int:
        """Write the rows of one partition, all or nothing; rows written."""
        target = f"{self._root}/{name}.parquet"
        unfinished = f"{target}.unfinished"
        self._files.makedirs(self._root, exist_ok=True)
        rows = 0
        writer: pq.ParquetWriter | None = None
        with self._files.open(unfinished, "wb") as sink:
            for frame in batches:
                table = _to_table(frame, None if writer is None else writer.schema)
                writer = writer or pq.ParquetWriter(sink, table.schema)
                writer.write_table(table)
                rows += len(frame)
            if writer is not None:
                writer.close()
        if writer is None:
            self._files.rm(unfinished)
        else:
            self._files.mv(unfinished, target)
        return rows


def _to_table(frame: pd.DataFrame, schema: pa.Schema | None) -> pa.Table:
    frame = frame.assign(
        metadata=frame["metadata"].map(json.dumps, na_action="ignore"),
        **{
            column: frame[column].astype("string")
            for column in ("id", "model_id", "tenant_id", "telemetry_id")
        },
    )
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
