"""Expired detections as Parquet files behind an fsspec URL."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ml_core.errors import ConfigurationError


class ParquetArchive:
    """One file a partition, written beside its place, read back, and moved there when whole."""

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as exc:
            scheme = url.partition("://")[0]
            raise ConfigurationError(
                f"retention.archive_url has scheme {scheme!r}, which cannot be used: {exc}"
            ) from exc

    def write(self, name: str, batches: Iterable[pa.Table]) -> int:
        """Write a partition (one batch of rows at least), all or nothing, in place of an older file; rows written."""
        unfinished = f"{self._root}/{name}.unfinished"
        self._files.makedirs(self._root, exist_ok=True)
        rows = self._write_rows(unfinished, batches)
        stored = self._count_rows(unfinished)
        if stored != rows:
            raise OSError(f"the archive of {name} holds {stored} of {rows} rows, so the partition stays")
        self._files.mv(unfinished, f"{self._root}/{name}.parquet")
        return rows

    def _write_rows(self, path: str, batches: Iterable[pa.Table]) -> int:
        source = iter(batches)
        first = next(source)
        rows = 0
        with self._files.open(path, "wb") as sink:
            with pq.ParquetWriter(sink, first.schema) as writer:
                for batch in chain([first], source):
                    writer.write_table(batch)
                    rows += batch.num_rows
            if isinstance(self._files, LocalFileSystem):
                # The partition is dropped next, and that outlives a power failure.
                sink.flush()
                os.fsync(sink.fileno())
        return rows

    def _count_rows(self, path: str) -> int:
        with self._files.open(path, "rb") as file:
            return int(pq.read_metadata(file).num_rows)
