from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_core.adapters.readings import reading_tables
from ml_core.adapters.readings.reading_files import FileOptions, read_readings
from ml_core.adapters.readings.reading_layout import LayoutOptions
from ml_core.adapters.readings.reading_times import TimeOptions
from ml_core.domain.series import SeriesKey
from ml_core.errors import ConfigurationError, InvalidNameError, InvalidReadingsError
from ml_core.ports.reading_store import ReadingBatch, RejectReason

HEADER = "timestamp,device_id,metric_name,value\n"
UTC_ZONE = TimeOptions(zone=ZoneInfo("UTC"))
BERLIN = TimeOptions(zone=ZoneInfo("Europe/Berlin"))
Row = tuple[str, str, str, float]


def _read(path: Path, options: FileOptions | None = None) -> list[ReadingBatch]:
    return list(read_readings(path, options or FileOptions()))


def _rows(batches: list[ReadingBatch]) -> list[Row]:
    """Usable rows as (device, metric, instant, value), in the file's order."""
    found = [
        (int(batch.lines[i]), batch.keys[batch.series[i]], str(batch.timestamps[i])[:19], float(batch.values[i]))
        for batch in batches
        for i in range(len(batch))
    ]
    return [(key.device, key.metric, at, value) for _, key, at, value in sorted(found)]


def _rejected(batches: list[ReadingBatch]) -> list[tuple[int, RejectReason]]:
    return [(row.line, row.reason) for batch in batches for row in batch.rejected]


def _write(folder: Path, text: str | bytes, name: str = "readings.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _csv(folder: Path, *lines: str) -> Path:
    return _write(folder, HEADER + "\n".join(lines) + "\n")


def _times(folder: Path, *stamps: str, options: TimeOptions = TimeOptions()) -> list[ReadingBatch]:  # noqa: B008
    path = _csv(folder, *(f'"{stamp}",p,m,{i}' for i, stamp in enumerate(stamps)))
    return _read(path, FileOptions(times=options))


def _parquet(folder: Path, **columns: object) -> Path:
    path = folder / "readings.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def test_a_long_table_names_its_series_a_row(tmp_path: Path) -> None:
    """One row a reading, of as many series as there are."""
    batches = _read(_csv(tmp_path, "2026-01-31T00:00:00Z,p-1,flow,1.5", "2026-01-31T01:00:00+01:00,p/2.a,heat,-2"))

    assert _rows(batches) == [
        ("p-1", "flow", "2026-01-31T00:00:00", 1.5),
        ("p/2.a", "heat", "2026-01-31T00:00:00", -2.0),
    ]
    assert _rejected(batches) == []


def test_a_wide_table_names_a_metric_a_column(tmp_path: Path) -> None:
    """Empty cells are no readings and no fault; a column without a name is a row number."""
    path = _write(tmp_path, ",Time,flow,temperature [C]\n0,2026-01-31T00:00Z,1,20\n1,2026-01-31T01:00Z,,21\n")
    batches = _read(path, FileOptions(layout=LayoutOptions(device="p-1")))

    assert _rows(batches) == [
        ("p-1", "flow", "2026-01-31T00:00:00", 1.0),
        ("p-1", "temperature [C]", "2026-01-31T00:00:00", 20.0),
        ("p-1", "temperature [C]", "2026-01-31T01:00:00", 21.0),
    ]
    assert sum(batch.left_empty for batch in batches) == 1


def test_a_wide_table_may_name_its_devices(tmp_path: Path) -> None:
    """A device a row, a metric a column; faults are told a cell, a bad time a row."""
    path = _write(
        tmp_path,
        "ts,Device,flow,heat\n2026-01-31T00:00Z,p-1,1,2\n2026-01-31T00:00Z,p-2,x,nan\nlater,p-1,1,2\n"
        "2026-01-31T00:00Z,../p,1,2\n",
    )
    batches = _read(path)

    assert [row[:2] + row[3:] for row in _rows(batches)] == [("p-1", "flow", 1.0), ("p-1", "heat", 2.0)]
    assert set(_rejected(batches)) == {
        (3, RejectReason.NOT_A_NUMBER),
        (3, RejectReason.NAN),
        (4, RejectReason.BAD_TIME),
        (5, RejectReason.BAD_NAME),
    }
    assert "2026-01-31T00:00Z,flow,x" in [row.raw for batch in batches for row in batch.rejected]


def test_one_column_of_a_wide_table_can_be_taken(tmp_path: Path) -> None:
    """`metric` chooses among several columns and names a single one."""
    several = _write(tmp_path, "time,flow,heat\n2026-01-31T00:00Z,1,2\n")
    one = _write(tmp_path, "Time,Water flow [l/s]\n2026-01-31T00:00Z,1\n", "one.csv")
    options = FileOptions(layout=LayoutOptions(device="p-1", metric="flow"))

    expected = [("p-1", "flow", "2026-01-31T00:00:00", 1.0)]
    assert _rows(_read(several, options)) == expected
    assert _rows(_read(one, options)) == expected


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,device,metric,value",
        "Time;Asset;Key;Reading",
        "ts\tdevice_id\tvariable\tval",
        "Recorded At|Machine|Signal|Value",
        '"date-time","device id","METRIC_NAME","Measured value"',
    ],
)
def test_columns_are_found_by_the_names_in_use(tmp_path: Path, header: str) -> None:
    """Whatever the delimiter, case and punctuation."""
    mark = next(mark for mark in ",;\t|" if mark in header)
    path = _write(tmp_path, header + "\n" + mark.join(["2026-01-31T00:00:00Z", "p", "m", "1"]) + "\n")

    assert _rows(_read(path)) == [("p", "m", "2026-01-31T00:00:00", 1.0)]


def test_unusual_columns_can_be_told(tmp_path: Path) -> None:
    """By their role; a column that is not there is refused by name."""
    path = _write(tmp_path, "when,who,what,how much\n2026-01-31T00:00:00Z,p,m,1\n")
    columns = {"timestamp": "when", "device": "who", "metric": "what", "value": "how much"}

    assert _rows(_read(path, FileOptions(layout=LayoutOptions(columns=columns)))) == [
        ("p", "m", "2026-01-31T00:00:00", 1.0)
    ]
    with pytest.raises(ConfigurationError, match="device=whom: there is no such column among 'when'"):
        _read(path, FileOptions(layout=LayoutOptions(columns=columns | {"device": "whom"})))


@pytest.mark.parametrize(
    ("header", "options", "error", "told"),
    [
        ("a,b,c", LayoutOptions(), InvalidReadingsError, "no column looks like a time among 'a', 'b', 'c'"),
        ("time,value,metric", LayoutOptions(), ConfigurationError, "give --device"),
        ("time,value", LayoutOptions(device="p"), ConfigurationError, "give --metric"),
        ("time,device", LayoutOptions(), InvalidReadingsError, "no column is left for values"),
        ("time,a,b", LayoutOptions(device="p", metric="c"), ConfigurationError, "--metric c: there is no such"),
        ("time,a", LayoutOptions(device="../p"), InvalidNameError, "device_id"),
        ('time,"a""b"', LayoutOptions(device="p"), InvalidNameError, "metric_name"),
    ],
)
def test_a_table_that_does_not_say_enough_is_refused(
    tmp_path: Path, header: str, options: LayoutOptions, error: type[Exception], told: str
) -> None:
    """The message says what is missing and how to give it."""
    path = _write(tmp_path, f"{header}\n1,2,3\n")

    with pytest.raises(error, match=told):
        _read(path, FileOptions(layout=options))


@pytest.mark.parametrize(
    ("stamp", "instant"),
    [
        ("2026-01-31T02:00:00Z", "2026-01-31T02:00:00"),
        ("2026-01-31 02:00:00.123456789Z", "2026-01-31T02:00:00"),
        ("2026-01-31T02:00:00+0530", "2026-01-30T20:30:00"),
        ("2026-01-31T02:00:00-08", "2026-01-31T10:00:00"),
        ("20260131T020000Z", "2026-01-31T02:00:00"),
        ("2026-01-31 02:00 UTC", "2026-01-31T02:00:00"),
        ("1769824800", "2026-01-31T02:00:00"),
        ("1769824800.5", "2026-01-31T02:00:00"),
        ("1769824800500", "2026-01-31T02:00:00"),
        ("1769824800500000", "2026-01-31T02:00:00"),
        ("1769824800500000000", "2026-01-31T02:00:00"),
    ],
)
def test_times_that_name_their_instant_need_no_zone(tmp_path: Path, stamp: str, instant: str) -> None:
    """ISO 8601 with its zone, and numbers since 1970 in seconds to nanoseconds; a told zone changes nothing."""
    for options in (TimeOptions(), BERLIN):
        assert [row[2] for row in _rows(_times(tmp_path, stamp, options=options))] == [instant]


@pytest.mark.parametrize(
    "stamp", ["2026-01-31 02:00:00", "2026-01-31T02:00", "20260131T0200", "2026-1-31 2:00", "2026-01-31 02:00:00,0"]
)
def test_times_without_a_zone_need_one(tmp_path: Path, stamp: str) -> None:
    """They are refused until the zone is told, and read in it then."""
    with pytest.raises(ConfigurationError, match="--tz UTC or --tz Europe/Berlin"):
        _times(tmp_path, stamp)

    assert _rows(_times(tmp_path, stamp, options=UTC_ZONE))[0][2] == "2026-01-31T02:00:00"
    assert _rows(_times(tmp_path, stamp, options=BERLIN))[0][2] == "2026-01-31T01:00:00"


def test_an_hour_that_a_clock_change_doubles_or_skips_is_kept_aside(tmp_path: Path) -> None:
    """02:30 stands twice in October and not at all in March; the hours beside it are read."""
    stamps = ["2025-10-26 01:30", "2025-10-26 02:30", "2025-10-26 03:30", "2026-03-29 02:30"]
    batches = _times(tmp_path, *stamps, options=BERLIN)

    assert [row[2] for row in _rows(batches)] == ["2025-10-25T23:30:00", "2025-10-26T02:30:00"]
    assert _rejected(batches) == [(3, RejectReason.CLOCK_CHANGE), (5, RejectReason.CLOCK_CHANGE)]


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("yesterday", RejectReason.BAD_TIME),
        ("2026-02-30T00:00:00Z", RejectReason.BAD_TIME),
        ("2026-01-31T24:30:00Z", RejectReason.BAD_TIME),
        ("31.01.2026 02:00", RejectReason.BAD_TIME),
        ("12", RejectReason.BAD_TIME),
        ("-1769824800", RejectReason.BAD_TIME),
        ("0000-01-01T00:00:00Z", RejectReason.BAD_TIME),
        ("", RejectReason.NO_TIME),
        ("  ", RejectReason.NO_TIME),
    ],
)
def test_a_time_that_cannot_be_read_is_kept_aside(tmp_path: Path, stamp: str, reason: RejectReason) -> None:
    """It is never guessed at, and the next row is read."""
    batches = _times(tmp_path, stamp, "2026-01-31T02:00:00Z")

    assert _rejected(batches) == [(2, reason)]
    assert len(_rows(batches)) == 1


def test_another_form_of_times_can_be_told(tmp_path: Path) -> None:
    """With a zone in the form itself, or with one told beside it."""
    local = TimeOptions(form="%d.%m.%Y %H:%M", zone=ZoneInfo("Europe/Berlin"))
    aware = TimeOptions(form="%d.%m.%Y %H:%M %z")

    assert _rows(_times(tmp_path, "31.01.2026 02:00", options=local))[0][2] == "2026-01-31T01:00:00"
    assert _rows(_times(tmp_path, "31.01.2026 02:00 +0200", options=aware))[0][2] == "2026-01-31T00:00:00"
    assert _rejected(_times(tmp_path, "2026-01-31", "26.10.2025 02:30", options=local)) == [
        (2, RejectReason.BAD_TIME),
        (3, RejectReason.CLOCK_CHANGE),
    ]
    with pytest.raises(ConfigurationError, match="--tz"):
        _times(tmp_path, "31.01.2026 02:00", options=TimeOptions(form="%d.%m.%Y %H:%M"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1.0),
        ("+1.50", 1.5),
        (" -.5 ", -0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("", RejectReason.NO_VALUE),
        ("NULL", RejectReason.NO_VALUE),
        ("N/A", RejectReason.NO_VALUE),
        ("nan", RejectReason.NAN),
        ("-Infinity", RejectReason.INFINITE),
        ("inf", RejectReason.INFINITE),
        ("1e999", RejectReason.INFINITE),
        ("abc", RejectReason.NOT_A_NUMBER),
        ("1_000", RejectReason.NOT_A_NUMBER),
        ("0x10", RejectReason.NOT_A_NUMBER),
        ("--1", RejectReason.NOT_A_NUMBER),
        ('"1,5"', RejectReason.NOT_A_NUMBER),
    ],
)
def test_a_value_is_a_finite_number_or_kept_aside(tmp_path: Path, text: str, expected: float | RejectReason) -> None:
    """Each fault has its own reason."""
    batches = _read(_csv(tmp_path, f"2026-01-31T00:00:00Z,p,m,{text}"))
    found = [row[3] for row in _rows(batches)] + [reason for _, reason in _rejected(batches)]

    assert found == [expected]


def test_a_decimal_comma_is_told_and_never_guessed(tmp_path: Path) -> None:
    """With it a point is no decimal mark any more."""
    path = _write(tmp_path, "time;device;metric;value\n" + "".join(
        f"2026-01-31T00:00:0{i}Z;p;m;{text}\n" for i, text in enumerate(["1,5", "1.5", "1.234,5", "7"])
    ))  # fmt: skip
    batches = _read(path, FileOptions(decimal=","))

    assert [row[3] for row in _rows(batches)] == [1.5, 7.0]
    assert _rejected(batches) == [(3, RejectReason.NOT_A_NUMBER), (4, RejectReason.NOT_A_NUMBER)]


@pytest.mark.parametrize("name", ["", "  ", "a\\b", "a/../b", "x" * 256, "bell\a"])
def test_a_name_that_breaks_the_rule_is_kept_aside(tmp_path: Path, name: str) -> None:
    """Device or metric, whichever it is."""
    stamp = "2026-01-31T00:00:00Z"
    batches = _read(_csv(tmp_path, f"{stamp},{name},m,1", f"{stamp},p,{name},1", f"{stamp},p,m,1"))

    assert _rejected(batches) == [(2, RejectReason.BAD_NAME), (3, RejectReason.BAD_NAME)]
    assert len(_rows(batches)) == 1


def test_a_row_of_another_width_is_kept_aside_as_it_came(tmp_path: Path) -> None:
    """The rows around it are read, and every line is told as it stands in the file."""
    good = "2026-01-31T00:00:00Z,p,m,1"
    batches = _read(_csv(tmp_path, good, "short,row", good, good + ",more", good, "x,p,m,1"))

    assert sorted(_rejected(batches)) == [
        (3, RejectReason.MALFORMED),
        (5, RejectReason.MALFORMED),
        (7, RejectReason.BAD_TIME),
    ]
    assert {row.line: row.raw for batch in batches for row in batch.rejected} == {
        3: "short,row",
        5: good + ",more",
        7: "x,p,m,1",
    }
    assert np.concatenate([batch.lines for batch in batches]).tolist() == [2, 4, 6]


def test_a_row_of_another_width_at_the_very_end_is_kept_aside(tmp_path: Path) -> None:
    """Also where no good row follows, or none is there at all."""
    assert _rejected(_read(_write(tmp_path, HEADER + "short,row\n"))) == [(2, RejectReason.MALFORMED)]


def test_letters_of_another_encoding_end_nothing(tmp_path: Path) -> None:
    """They are replaced where they stand, and what they spoil is kept aside."""
    text = HEADER.encode() + b"2026-01-31T00:00:00Z,p,m,1\n2026-01-31T00:00:01Z,p,m,\xb5\n"
    batches = _read(_write(tmp_path, text))

    assert len(_rows(batches)) == 1
    assert _rejected(batches) == [(3, RejectReason.NOT_A_NUMBER)]


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    """Spreadsheets write both."""
    text = b"\xef\xbb\xbf" + HEADER.replace("\n", "\r\n").encode() + b"2026-01-31T00:00:00Z,p,m,1\r\n"

    assert _rows(_read(_write(tmp_path, text))) == [("p", "m", "2026-01-31T00:00:00", 1.0)]


def test_a_compressed_file_is_read_like_another(tmp_path: Path) -> None:
    """By its ending."""
    text = gzip.compress((HEADER + "2026-01-31T00:00:00Z,p,m,1\n").encode())

    assert len(_rows(_read(_write(tmp_path, text, "readings.csv.gz")))) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"PK\x03\x04rest", "save it as CSV"),
        ("time,value\n".encode("utf-16"), "UTF-16"),
        (b"\x00\x01\x02", "is no text"),
        (b"PAR1 and nothing more", "cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """The message names the file and what to do."""
    with pytest.raises(InvalidReadingsError, match=f"readings.csv {told}|readings.csv is .*{told}"):
        _read(_write(tmp_path, content))


def test_a_table_without_rows_has_no_readings(tmp_path: Path) -> None:
    """A header alone is no fault."""
    assert _rows(_read(_write(tmp_path, HEADER))) == []


@pytest.mark.parametrize(
    "times",
    [
        pa.array([datetime(2026, 1, 31, 2, tzinfo=UTC)], pa.timestamp("ns", "Asia/Tokyo")),
        pa.array([datetime(2026, 1, 31, 2)], pa.timestamp("ms")),
        pa.array([1769824800]),
        pa.array([1769824800.0]),
        pa.array(["2026-01-31T02:00:00Z"]).dictionary_encode(),
    ],
)
def test_times_of_a_parquet_file_keep_their_instant(tmp_path: Path, times: pa.Array) -> None:
    """Aware, naive in the told zone, numbers, texts."""
    path = _parquet(tmp_path, time=times, value=pa.array([1]))
    options = FileOptions(layout=LayoutOptions(device="p", metric="m"), times=UTC_ZONE)

    assert _rows(_read(path, options)) == [("p", "m", "2026-01-31T02:00:00", 1.0)]


def test_a_date_is_its_midnight(tmp_path: Path) -> None:
    """In the told zone, and refused without one."""
    path = _parquet(tmp_path, date=pa.array([date(2026, 1, 31)]), flow=pa.array([1]))
    layout = LayoutOptions(device="p")

    assert _rows(_read(path, FileOptions(layout=layout, times=BERLIN)))[0][2] == "2026-01-30T23:00:00"
    with pytest.raises(ConfigurationError, match="--tz"):
        _read(path, FileOptions(layout=layout))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, None], pa.int16()), [1.0, RejectReason.NO_VALUE]),
        (pa.array([1.5, float("nan")], pa.float32()), [1.5, RejectReason.NAN]),
        (pa.array([1.5, float("inf")]), [1.5, RejectReason.INFINITE]),
        (pa.array([Decimal("1.25"), None]), [1.25, RejectReason.NO_VALUE]),
        (pa.array([True, False]), [1.0, 0.0]),
        (pa.array(["1.5", "x"]), [1.5, RejectReason.NOT_A_NUMBER]),
    ],
)
def test_values_of_a_parquet_file_are_judged_like_texts(
    tmp_path: Path, values: pa.Array, expected: list[float | RejectReason]
) -> None:
    """Whatever type they are stored in."""
    columns = {"time": pa.array([1769824800, 1769824801]), "device": pa.array(["p", "p"]), "key": pa.array([7, 7])}
    batches = _read(_parquet(tmp_path, **columns, value=values))
    found = [row[3] for row in _rows(batches)] + [reason for _, reason in _rejected(batches)]

    assert found == expected
    assert batches[0].keys == [SeriesKey(device="p", metric="7")]


@pytest.mark.parametrize("column", ["time", "value"])
def test_a_column_of_an_unusable_type_is_refused(tmp_path: Path, column: str) -> None:
    """Rather than every row being kept aside."""
    columns = {"time": pa.array([1769824800]), "value": pa.array([1.0]), column: pa.array([[1, 2]])}

    with pytest.raises(InvalidReadingsError, match="is of type list"):
        _read(_parquet(tmp_path, **columns), FileOptions(layout=LayoutOptions(device="p", metric="m")))


def test_every_reading_bears_the_told_tenant(tmp_path: Path) -> None:
    """A file is one tenant's."""
    tenant = UUID(int=7)
    batches = _read(_csv(tmp_path, "2026-01-31T00:00:00Z,p,m,1"), FileOptions(tenant=tenant))

    assert batches[0].keys == [SeriesKey(device="p", metric="m", tenant=tenant)]


def test_a_large_file_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is told as it stands in the file, and progress ends at the file's end."""
    monkeypatch.setattr(reading_tables, "BLOCK_BYTES", 2_000)
    rows = [f"{1769824800 + i},p-{i % 3},m,{i}" for i in range(1_000)]
    rows[500] = "malformed"
    rows[700] = f"{1769824800},p,m,x"
    batches = _read(_csv(tmp_path, *rows))
    lines = np.concatenate([batch.lines for batch in batches])
    values = np.concatenate([batch.values for batch in batches])

    assert len(batches) > 5
    assert np.array_equal(lines, values + 2)
    assert sorted(_rejected(batches)) == [(502, RejectReason.MALFORMED), (702, RejectReason.NOT_A_NUMBER)]
    assert batches[-1].done == batches[-1].total == (tmp_path / "readings.csv").stat().st_size


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_values_survive_both_forms_bit_for_bit(tmp_path: Path, values: list[float]) -> None:
    """What was written as text or as numbers is read as the same double precision numbers."""
    frame = pd.DataFrame({"time": range(1769824800, 1769824800 + len(values)), "m": values})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    options = FileOptions(layout=LayoutOptions(device="p"))

    for name in ("a.csv", "a.parquet"):
        (batch,) = _read(tmp_path / name, options)

        assert batch.values.tobytes() == np.array(values).tobytes()
