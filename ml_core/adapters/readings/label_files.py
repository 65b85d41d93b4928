"""Labelled events of a CSV or Parquet file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml_core.adapters.readings.reading_layout import SYNONYMS
from ml_core.adapters.readings.reading_tables import TablePart, read_table
from ml_core.adapters.readings.reading_times import TimeOptions, parse_times
from ml_core.domain.evaluation.labelled_span import LabelledSpan
from ml_core.errors import InvalidReadingsError

LABEL_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "series": ("series", "series_id", *SYNONYMS["device"]),
    "start": ("start", "start_time", "started_at", "begin", "from"),
    "end": ("end", "end_time", "ended_at", "until", "to"),
    "timestamp": SYNONYMS["timestamp"],
}


def read_labels(path: Path, times: TimeOptions) -> list[LabelledSpan]:
    """The labelled events of a file with the columns start and end, or timestamp, and perhaps series.

    Raises InvalidReadingsError where a column is missing, a row's time cannot be read or no row is left,
    ConfigurationError where times carry no zone and none was told.
    """
    spans = [span for part in read_table(path) for span in _read_part(path, part, times)]
    if not spans:
        raise InvalidReadingsError(f"{path.name} holds no label: without events, alarms can only be false")
    return spans


def _read_part(path: Path, part: TablePart, times: TimeOptions) -> Iterator[LabelledSpan]:
    if part.malformed:
        raise InvalidReadingsError(f"{path.name}, row {part.malformed[0].line}: {part.malformed[0].reason}")
    names = part.table.schema.names
    starts = _read_instants(path, part, _require(path, names, "start", "timestamp"), times)
    ends = _read_instants(path, part, _require(path, names, "end", "timestamp"), times)
    for series, start, end, line in zip(_read_series(part, names), starts, ends, part.lines, strict=True):
        if end < start:
            raise InvalidReadingsError(f"{path.name}, row {line}: the end {end} lies before the start {start}")
        yield LabelledSpan(series=series, start=start, end=end)


def _require(path: Path, names: Sequence[str], *roles: str) -> int:
    for role in roles:
        place = _find(names, role)
        if place is not None:
            return place
    raise InvalidReadingsError(
        f"{path.name} has no column {' or '.join(roles)} among {', '.join(map(repr, names))}: "
        f"labels need start and end, or timestamp, and may have series"
    )


def _find(names: Sequence[str], role: str) -> int | None:
    plain = [re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_") for name in names]
    return next((plain.index(synonym) for synonym in LABEL_SYNONYMS[role] if synonym in plain), None)


def _read_instants(path: Path, part: TablePart, place: int, times: TimeOptions) -> Iterator[np.datetime64]:
    parsed = parse_times(part.table.column(place), times)
    wrong = np.flatnonzero(pd.notna(parsed.wrong))
    if wrong.size:
        name = part.table.schema.names[place]
        raise InvalidReadingsError(
            f"{path.name}, row {part.lines[wrong[0]]}, column {name!r}: {parsed.wrong[wrong[0]]}"
        )
    yield from parsed.instants


def _read_series(part: TablePart, names: Sequence[str]) -> list[str | None]:
    place = _find(names, "series")
    if place is None:
        return [None] * len(part.table)
    texts = pc.utf8_trim_whitespace(part.table.column(place).cast(pa.string())).to_pylist()
    # An empty cell means what a missing column means: every series.
    return [text or None for text in texts]
