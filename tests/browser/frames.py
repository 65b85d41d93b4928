"""Rows of a query as the frames that Grafana's PostgreSQL datasource makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

Frame = dict[str, Any]


def to_frame(form: str, ref_id: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Frame:
    """One frame: a table as it is, a time series with a column for each label."""
    made = _widen(columns, rows) if form == "time_series" and "metric" in columns else (list(columns), list(rows))
    names, cells = made
    typed = [_column(name, [row[place] for row in cells]) for place, name in enumerate(names)]
    return {"refId": ref_id, "columns": typed if cells else []}


def _widen(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Long to wide: the words of `metric` become the columns."""
    at, label = columns.index("time"), columns.index("metric")
    (value,) = [place for place in range(len(columns)) if place not in (at, label)]
    names = sorted({row[label] for row in rows})
    by_time: dict[Any, dict[str, Any]] = {}
    for row in rows:
        by_time.setdefault(row[at], {})[row[label]] = row[value]
    wide = [(when, *(cells.get(name) for name in names)) for when, cells in sorted(by_time.items())]
    return ["time", *names], wide


def _column(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Moments in milliseconds; a column `time` of numbers holds seconds, as the grouping macros make them."""
    known = next((value for value in values if value is not None), None)
    if isinstance(known, datetime):
        return {"name": name, "type": "time", "values": [value and int(value.timestamp() * 1000) for value in values]}
    if not isinstance(known, int | float | Decimal):
        return {"name": name, "type": "string", "values": list(values)}
    if name == "time":
        return {"name": name, "type": "time", "values": [int(value * 1000) for value in values]}
    return {"name": name, "type": "number", "values": [None if value is None else float(value) for value in values]}
