"""The one boundary where Python's and numpy's values become PostgreSQL's, in parameters and in COPY."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO, cast
from uuid import UUID

import numpy as np
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISQLQuote, adapt, cursor, register_adapter
from psycopg2.extras import register_uuid

from ml_core.adapters.postgres.json_rows import to_json
from ml_core.adapters.postgres.text import clean_text

NUMPY_SCALARS = (
    np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
    np.float16, np.float32, np.float64,
)  # fmt: skip
COPY_CHUNK_CHARACTERS = 65_536
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def register_adapters() -> None:
    """Teach the driver numpy's scalars, numpy's times (read as UTC) and UUIDs; harmless when repeated."""
    for scalar in NUMPY_SCALARS:
        register_adapter(scalar, _adapt_scalar)
    register_adapter(np.datetime64, _adapt_time)
    register_uuid()  # type: ignore[no-untyped-call]


def _adapt_scalar(value: np.generic) -> ISQLQuote:
    quoted: ISQLQuote = adapt(value.item())
    return quoted


def _adapt_time(value: np.datetime64) -> ISQLQuote:
    quoted: ISQLQuote = adapt(_aware(value))
    return quoted


def _aware(value: np.datetime64) -> datetime | None:
    moment = value.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None


def copy_rows(cur: cursor, table: sql.Composable, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Append rows (tuples in the order of `columns`) to a table by COPY, and return how many there were.

    Takes None, bool, numbers, text, UUID, aware datetimes, bytes, numpy scalars; a dict becomes JSON and
    a list or tuple an array. Rows are streamed, so an iterator of any length needs little memory.
    """
    names = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
    source = _CopySource(rows)
    try:
        cur.copy_expert(statement, cast(TextIO, source), COPY_CHUNK_CHARACTERS)
    except psycopg2.Error as exc:
        # The driver dresses an error of the rows' maker up as a cancelled query.
        raise source.failure or exc from None
    return cur.rowcount


class _CopySource:
    """Rows as the readable text stream that the driver asks for."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._lines = (_copy_line(row) for row in rows)
        self._rest = ""
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> str:
        """At most `size` characters; the empty text at the end."""
        try:
            return self._read(size)
        except Exception as exc:
            self.failure = exc
            raise

    def _read(self, size: int) -> str:
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if 0 <= size <= length:
                break
        text = "".join(parts)
        cut = len(text) if size < 0 else size
        self._rest = text[cut:]
        return text[:cut]


def _copy_line(row: Sequence[Any]) -> str:
    return "\t".join([_copy_field(value) for value in row]) + "\n"


def _copy_field(value: Any) -> str:
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    for kind, inherited in _WRITERS.items():
        if isinstance(value, kind):
            return inherited(value)
    raise TypeError(f"COPY takes no {type(value).__name__}: {value!r}")


def _write_null(_value: None) -> str:
    return "\\N"


def _write_bool(value: bool) -> str:
    return "t" if value else "f"


def _write_float(value: float) -> str:
    if math.isfinite(value):
        return float.__repr__(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _write_text(value: str) -> str:
    return clean_text(value).translate(_ESCAPES)


def _write_moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"COPY takes no time without a zone: {value!r}")
    return value.isoformat()


def _write_bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


def _write_json(value: dict[str, Any]) -> str:
    return _write_text(to_json(value))


def _write_array(value: Iterable[Any]) -> str:
    return _write_text("{" + ",".join(_array_items(value)) + "}")


def _array_items(value: Iterable[Any]) -> Iterator[str]:
    for item in value:
        if item is None:
            yield "NULL"
        elif isinstance(item, str):
            yield '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
        else:
            yield _copy_field(item)


def _write_numpy_array(value: np.ndarray[Any, Any]) -> str:
    # Plain lists are several times faster to walk, but a list of nanosecond times would be one of integers.
    return _write_array(value if value.dtype.kind == "M" else value.tolist())


def _write_scalar(value: np.generic) -> str:
    return _copy_field(value.item())


def _write_numpy_time(value: np.datetime64) -> str:
    return _copy_field(_aware(value))


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): _write_null,
    bool: _write_bool,
    int: str,
    float: _write_float,
    str: _write_text,
    datetime: _write_moment,
    UUID: str,
    bytes: _write_bytes,
    dict: _write_json,
    list: _write_array,
    tuple: _write_array,
    np.ndarray: _write_numpy_array,
    np.datetime64: _write_numpy_time,
    np.generic: _write_scalar,
}
