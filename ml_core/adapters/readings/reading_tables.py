"""CSV and Parquet files as tables, part by part, so that a large file needs little memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from ml_core.errors import InvalidReadingsError
from ml_core.ports.reading_store import RejectedReading, RejectReason

BLOCK_BYTES = 16 * 1024 * 1024
BLOCK_ROWS = 250_000
_DELIMITERS = (",", ";", "\t", "|")
_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_MAGIC = {b"PK\x03\x04": "a spreadsheet or archive: save it as CSV", b"\xff\xfe": "UTF-16: save it as UTF-8"}


@dataclass(frozen=True, kw_only=True)
class TablePart:
    """Some rows of a table."""

    table: pa.RecordBatch
    """Columns of a CSV file are all texts; those of a Parquet file are as they are."""
    lines: NDArray[np.int64]
    """Where each row stands in its file, from 1; a CSV file's header is row 1."""
    malformed: list[RejectedReading]
    done: int
    total: int


def read_table(path: Path) -> Iterator[TablePart]:
    """The parts of a file, CSV (perhaps compressed) or Parquet by what it holds, not by its name.

    Raises InvalidReadingsError where it is neither.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        for magic, what in _MAGIC.items():
            if start.startswith(magic):
                raise InvalidReadingsError(f"{path.name} is {what}")
        try:
            yield from _read_parquet(file) if start == b"PAR1" else _read_csv(path, file)
        except (pa.ArrowInvalid, OSError) as exc:
            raise InvalidReadingsError(f"{path.name} cannot be read: {str(exc).splitlines()[0]}") from exc


def _read_parquet(file: BinaryIO) -> Iterator[TablePart]:
    source = pyarrow.parquet.ParquetFile(file)
    done = 0
    for table in source.iter_batches(batch_size=BLOCK_ROWS):
        lines = np.arange(done + 1, done + 1 + len(table), dtype=np.int64)
        done += len(table)
        yield TablePart(table=table, lines=lines, malformed=[], done=done, total=source.metadata.num_rows)


def _read_csv(path: Path, file: BinaryIO) -> Iterator[TablePart]:
    with path.open("rb") as head:
        delimiter, names = _read_header(path, _uncompressed(path, head))
    bad: list[RejectedReading] = []
    reader = pyarrow.csv.open_csv(
        _uncompressed(path, file),
        # One thread, because only then does a malformed row know where it stands.
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            invalid_row_handler=lambda row: _set_aside(row, bad),
        ),
        # Bytes, because one letter of another encoding would end the reading of the whole file.
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
        ),
    )
    total = path.stat().st_size
    next_line = 2
    for table in reader:
        lines = _number_lines(next_line, len(table), [row.line for row in bad])
        next_line = int(lines[-1]) + 1 if len(lines) else next_line
        malformed = [row for row in bad if row.line < next_line]
        bad[:] = [row for row in bad if row.line >= next_line]
        yield TablePart(table=_decode(table), lines=lines, malformed=malformed, done=file.tell(), total=total)
    if bad:
        yield TablePart(
            table=pa.RecordBatch.from_pylist([], schema=_as_texts(reader.schema)),
            lines=np.empty(0, np.int64),
            malformed=bad,
            done=total,
            total=total,
        )


def _uncompressed(path: Path, file: BinaryIO) -> Any:
    stream = pa.PythonFile(file, mode="r")
    codec = _CODECS.get(path.suffix.lower())
    return pa.CompressedInputStream(stream, codec) if codec else stream


def _read_header(path: Path, stream: Any) -> tuple[str, list[str]]:
    start = stream.read(1 << 20).decode("utf-8-sig", errors="replace")
    if "\0" in start:
        raise InvalidReadingsError(f"{path.name} is no text: give CSV in UTF-8, or Parquet")
    lines = [line for line in start.splitlines() if line.strip()]
    if not lines:
        raise InvalidReadingsError(f"{path.name} is empty")
    widths = {mark: len(next(csv.reader([lines[0]], delimiter=mark))) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: widths[mark])
    return delimiter, next(csv.reader([lines[0]], delimiter=delimiter))


def _set_aside(row: Any, bad: list[RejectedReading]) -> str:
    bad.append(RejectedReading(line=row.number, raw=row.text, reason=RejectReason.MALFORMED))
    return "skip"


def _number_lines(first: int, count: int, skipped: list[int]) -> NDArray[np.int64]:
    # The reader may have looked ahead: what it skipped further on pushes nothing of this part back.
    lines = np.arange(first, first + count + len(skipped), dtype=np.int64)
    return lines[~np.isin(lines, skipped)][:count]


def _as_texts(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in schema.names])


def _decode(table: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_decode_column(column) for column in table.columns], names=table.schema.names)


def _decode_column(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([cell.decode("utf-8", errors="replace") for cell in column.to_pylist()], pa.string())
