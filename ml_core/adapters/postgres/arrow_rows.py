"""Rows of a query as Arrow tables whose types are those of the columns, however few values there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from psycopg2.extensions import Column

# By PostgreSQL's type numbers, which never change; what is not here becomes text.
_TYPES = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    700: pa.float32(),
    701: pa.float64(),
    1184: pa.timestamp("us", tz="UTC"),
}


def rows_to_arrow(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """A table of the rows, in order; UUIDs, JSON and the like as text."""
    schema = pa.schema([(column.name, _TYPES.get(column.type_code, pa.string())) for column in columns])
    arrays = []
    for position, field in enumerate(schema):
        values = [row[position] for row in rows]
        arrays.append(pa.array(map(_to_text, values) if pa.types.is_string(field.type) else values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _to_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list | int | float) else str(value)
