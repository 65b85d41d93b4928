"""Readings of CSV and Parquet files, each row judged: usable, or kept aside with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_core.adapters.readings.reading_layout import Layout, LayoutOptions, find_layout
from ml_core.adapters.readings.reading_tables import TablePart, read_table
from ml_core.adapters.readings.reading_times import ParsedTimes, TimeOptions, parse_times
from ml_core.adapters.readings.reading_values import parse_values
from ml_core.domain.series import FIXED_TENANT, SeriesKey
from ml_core.errors import InvalidNameError
from ml_core.ports.reading_store import ReadingBatch, RejectedReading, RejectReason


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """What a person says of a file."""

    layout: LayoutOptions = field(default_factory=LayoutOptions)
    times: TimeOptions = field(default_factory=TimeOptions)
    decimal: str = "."
    tenant: UUID = FIXED_TENANT


@dataclass(frozen=True, kw_only=True)
class _Names:
    """A name a row, each different one once."""

    codes: NDArray[np.int64]
    texts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class _Column:
    """The usable rows of one column of values."""

    keys: Sequence[SeriesKey]
    series: NDArray[np.int64]
    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]


def read_readings(path: Path, options: FileOptions) -> Iterator[ReadingBatch]:
    """The readings of a file, part by part.

    Raises ConfigurationError where something must be told (device, metric, zone), InvalidReadingsError
    where the file cannot be read or has no column of times or values, InvalidNameError where a name that
    was told or heads a column breaks the naming rule.
    """
    layout: Layout | None = None
    for part in read_table(path):
        layout = layout or find_layout(part.table.schema.names, options.layout)
        yield _judge_part(part, layout, options)


def _judge_part(part: TablePart, layout: Layout, options: FileOptions) -> ReadingBatch:
    times = parse_times(part.table.column(layout.timestamp), options.times)
    devices = _read_names(part.table, layout.device)
    rejected = list(part.malformed)
    if layout.value is not None:
        metrics = _read_names(part.table, layout.metric)
        places, keys = _match_keys(devices, metrics, options.tenant)
        parsed = parse_values(part.table.column(layout.value), options.decimal)
        wrong = _first_of(_judge_names(places), times.wrong, parsed.wrong)
        rejected += _reject_rows(part, wrong)
        columns = [_keep(part, times, keys, places, parsed.values, pd.isna(wrong))]
        return _join(part, columns, rejected)
    return _judge_wide(part, layout, options, times, devices, rejected)


def _judge_wide(
    part: TablePart,
    layout: Layout,
    options: FileOptions,
    times: ParsedTimes,
    devices: _Names,
    rejected: list[RejectedReading],
) -> ReadingBatch:
    # The metrics' names are good, so any one of them shows which devices' names are.
    any_metric = next(iter(layout.metrics.values()))
    named, _ = _match_keys(devices, _repeat_name(any_metric, len(devices.codes)), options.tenant)
    row_wrong = _first_of(_judge_names(named), times.wrong)
    good = pd.isna(row_wrong)
    rejected += _reject_rows(part, row_wrong)
    columns: list[_Column] = []
    left_empty = 0
    for column, metric in layout.metrics.items():
        places, keys = _match_keys(devices, _repeat_name(metric, len(good)), options.tenant)
        parsed = parse_values(part.table.column(column), options.decimal)
        empty = parsed.wrong == RejectReason.NO_VALUE
        left_empty += int((good & empty).sum())
        wrong = pd.notna(parsed.wrong)
        rejected += _reject_cells(part, layout, column, metric, parsed.wrong, good & wrong & ~empty)
        columns.append(_keep(part, times, keys, places, parsed.values, good & ~wrong))
    return _join(part, columns, rejected, left_empty)


def _read_names(table: pa.RecordBatch, where: int | str | None) -> _Names:
    if not isinstance(where, int):
        return _repeat_name(where or "", len(table))
    texts = pc.utf8_trim_whitespace(table.column(where).cast(pa.string())).fill_null("")
    encoded = texts.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return _Names(codes=codes, texts=encoded.dictionary.to_pylist())


def _repeat_name(name: str, count: int) -> _Names:
    return _Names(codes=np.zeros(count, np.int64), texts=(name,))


def _match_keys(devices: _Names, metrics: _Names, tenant: UUID) -> tuple[NDArray[np.int64], list[SeriesKey]]:
    """Place of each row's series among the keys, -1 where a name breaks the rule."""
    width = len(metrics.texts)
    pairs, inverse = np.unique(devices.codes * width + metrics.codes, return_inverse=True)
    keys: list[SeriesKey] = []
    places = np.full(len(pairs), -1, np.int64)
    for number, pair in enumerate(pairs):
        device, metric = devices.texts[pair // width], metrics.texts[pair % width]
        with suppress(InvalidNameError):
            keys.append(SeriesKey(device=device, metric=metric, tenant=tenant))
            places[number] = len(keys) - 1
    return places[inverse], keys


def _judge_names(places: NDArray[np.int64]) -> NDArray[np.object_]:
    wrong = np.full(len(places), None, dtype=object)
    wrong[places < 0] = RejectReason.BAD_NAME
    return wrong


def _first_of(*reasons: NDArray[np.object_]) -> NDArray[np.object_]:
    first = reasons[0]
    for wrong in reasons[1:]:
        first = np.where(pd.isna(first), wrong, first)
    return first


def _reject_rows(part: TablePart, wrong: NDArray[np.object_]) -> list[RejectedReading]:
    chosen = np.flatnonzero(pd.notna(wrong))
    cells = [_as_texts(column, chosen) for column in part.table.columns]
    raws = (",".join(row) for row in zip(*cells, strict=True))
    return [
        RejectedReading(line=int(part.lines[row]), raw=raw, reason=wrong[row])
        for row, raw in zip(chosen, raws, strict=True)
    ]


def _reject_cells(
    part: TablePart,
    layout: Layout,
    column: int,
    metric: str,
    wrong: NDArray[np.object_],
    chosen_rows: NDArray[np.bool_],
) -> list[RejectedReading]:
    chosen = np.flatnonzero(chosen_rows)
    stamps = _as_texts(part.table.column(layout.timestamp), chosen)
    cells = _as_texts(part.table.column(column), chosen)
    return [
        RejectedReading(line=int(part.lines[row]), raw=f"{stamp},{metric},{cell}", reason=wrong[row])
        for row, stamp, cell in zip(chosen, stamps, cells, strict=True)
    ]


def _as_texts(column: pa.Array, rows: NDArray[np.int64]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in column.take(pa.array(rows)).to_pylist()]


def _keep(
    part: TablePart,
    times: ParsedTimes,
    keys: Sequence[SeriesKey],
    places: NDArray[np.int64],
    values: NDArray[np.float64],
    usable: NDArray[np.bool_],
) -> _Column:
    return _Column(
        keys=keys,
        series=places[usable],
        timestamps=times.instants[usable],
        values=values[usable],
        lines=part.lines[usable],
    )


def _join(
    part: TablePart,
    columns: Sequence[_Column],
    rejected: Sequence[RejectedReading],
    left_empty: int = 0,
) -> ReadingBatch:
    used = {column.keys[place] for column in columns for place in np.unique(column.series)}
    ranks = {key: rank for rank, key in enumerate(sorted(used))}
    # Keys without a usable row have no rank, and no row asks for it.
    series = [np.array([ranks.get(key, -1) for key in column.keys], np.int32) for column in columns]
    return ReadingBatch(
        keys=list(ranks),
        series=np.concatenate([rank[column.series] for rank, column in zip(series, columns, strict=True)]),
        timestamps=np.concatenate([column.timestamps for column in columns]),
        values=np.concatenate([column.values for column in columns]),
        lines=np.concatenate([column.lines for column in columns]),
        rejected=rejected,
        left_empty=left_empty,
        done=part.done,
        total=part.total,
    )
