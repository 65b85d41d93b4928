"""Rows of fixed width to and from PostgreSQL in its binary COPY format, straight between socket and numpy."""

# Where no field is NULL every row has the same length, so that a whole COPY is one structured array.
# Format: https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import cursor

from ml_core.errors import MLHealthError

_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_EPOCH = np.datetime64("2000-01-01T00:00:00", "us").astype(np.int64)
_WIRE = {"i": ">i4", "l": ">i8", "f": ">f8", "M": ">i8"}
"""Form on the wire by kind: integer, bigint, double precision, timestamptz."""


def copy_in(cur: cursor, table: sql.Composable, columns: Mapping[str, NDArray[Any]]) -> int:
    """Append columns of one length (int32, int64, float64, datetime64) to a table; rows written."""
    kinds = [_kind_of(column) for column in columns.values()]
    rows = np.empty(len(next(iter(columns.values()))), dtype=_row_type(kinds))
    rows["count"] = len(kinds)
    for place, (kind, column) in enumerate(zip(kinds, columns.values(), strict=True)):
        rows[f"length{place}"] = rows.dtype[f"field{place}"].itemsize
        rows[f"field{place}"] = _to_wire(column) if kind == "M" else column
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, names)
    cur.copy_expert(statement, io.BytesIO(b"".join((_HEADER, rows.tobytes(), _TRAILER))), 1 << 20)
    return len(rows)


def copy_out(cur: cursor, query: bytes, kinds: str) -> list[NDArray[Any]]:
    """The columns of a query whose fields are never NULL, of kinds such as "iMf" (see the wire's forms)."""
    sink = io.BytesIO()
    cur.copy_expert(b"COPY (" + query + b") TO STDOUT (FORMAT binary)", sink)
    row_type = _row_type(list(kinds))
    body = sink.getbuffer()[len(_HEADER) : -len(_TRAILER)]
    if len(body) % row_type.itemsize:
        raise MLHealthError("PostgreSQL sent rows of another width than asked for; please report this")
    rows = np.frombuffer(body, dtype=row_type)
    return [_from_wire(rows[f"field{place}"], kind) for place, kind in enumerate(kinds)]


def _kind_of(column: NDArray[Any]) -> str:
    if column.dtype.kind == "M":
        return "M"
    return {"i4": "i", "i8": "l", "f8": "f"}[column.dtype.str[1:]]


def _row_type(kinds: list[str]) -> np.dtype[np.void]:
    fields = [("count", ">i2")]
    for place, kind in enumerate(kinds):
        fields += [(f"length{place}", ">i4"), (f"field{place}", _WIRE[kind])]
    return np.dtype(fields)


def _to_wire(instants: NDArray[Any]) -> NDArray[np.int64]:
    return instants.astype("datetime64[us]").astype(np.int64) - _EPOCH


def _from_wire(field: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "M":
        return (field.astype(np.int64) + _EPOCH).view("datetime64[us]")
    return field.astype(field.dtype.newbyteorder("="))
