"""Expired detections as Parquet files behind an fsspec URL."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, count

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from ml_core.errors import ArtifactError, ConfigurationError


class ParquetArchive:
    """One file a partition, written beside its place, read back, and moved there when whole.

    A month whose rows went before may get more, such as late ones of the platform: they get a file of their own.
    """

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as exc:
            scheme = url.partition("://")[0]
            raise ConfigurationError(
                f"retention.archive_url has scheme {scheme!r}, which cannot be used: {exc}"
            ) from exc

    def write(self, name: str, batches: Iterable[pa.Table]) -> int:
        """Write a partition (one batch of rows at least), all or nothing, over no other file; rows written."""
        unfinished = f"{self._root}/{name}.unfinished"
        try:
            return self._write(name, unfinished, batches)
        except OSError as exc:
            with suppress(OSError):
                self._files.rm_file(unfinished)
            raise ArtifactError(
                f"{name} could not be archived ({exc.strerror or exc}), so it stays; check that {self._root} of "
                "retention.archive_url is there, writable and not full"
            ) from exc

    def _write(self, name: str, unfinished: str, batches: Iterable[pa.Table]) -> int:
        self._files.makedirs(self._root, exist_ok=True)
        rows = self._write_rows(unfinished, batches)
        stored = self._count_rows(unfinished)
        if stored != rows:
            raise OSError(f"it holds {stored} of {rows} rows")
        self._files.mv(unfinished, self._find_place(name, unfinished))
        self._sync_folder()
        return rows

    def _find_place(self, name: str, unfinished: str) -> str:
        """The first name that is free, or has the same bytes because a run died before the partition was dropped."""
        self._files.invalidate_cache()  # listings may be older than what other processes wrote
        for number in count(1):
            place = f"{self._root}/{name}{'' if number == 1 else f'.{number}'}.parquet"
            if not self._files.exists(place) or self._are_same(place, unfinished):
                return place
        raise AssertionError("counting ends nowhere")

    def _are_same(self, path: str, other: str) -> bool:
        if self._files.size(path) != self._files.size(other):
            return False
        with self._files.open(path, "rb") as file, self._files.open(other, "rb") as second:
            return hashlib.file_digest(file, "sha256").digest() == hashlib.file_digest(second, "sha256").digest()

    def _sync_folder(self) -> None:
        """See the new name onto the disk: the partition is dropped next."""
        if isinstance(self._files, LocalFileSystem):
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

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
