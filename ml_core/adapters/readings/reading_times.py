"""Times of a table's column as UTC instants: aware ones as they are, naive ones in a zone that was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_core.errors import ConfigurationError, InvalidReadingsError
from ml_core.ports.reading_store import RejectReason

_MICROSECONDS_BELOW = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
"""Microseconds in a unit by the size below which a number is of that unit: s, ms, us; beyond, ns."""
_DIGITS = r"\d{9,11}(?:\.\d+)?|\d{12,13}|\d{15,16}|\d{18,19}"
_LOCAL = r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{8})(?:[T\s]\d{1,2}(?::?\d{2}(?::?\d{2}(?:\.\d+)?)?)?)?"
_AWARE = _LOCAL + r"\s*(?:Z|[+-]\d{2}(?::?\d{2})?)"
_TIME_TYPES = (
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
)
_FIRST = np.datetime64("0001-01-01", "us")
_LAST = np.datetime64("9999-12-31", "us")


@dataclass(frozen=True, kw_only=True)
class TimeOptions:
    """What a person says of a table's times."""

    zone: ZoneInfo | None = None
    """The zone of times that carry none."""
    form: str | None = None
    """Their form in strftime's letters, where they are not ISO 8601 and no seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class ParsedTimes:
    """Instants of a column, and what is wrong with those that are none."""

    instants: NDArray[np.datetime64]
    """UTC, datetime64[us], NaT where there is a reason in `wrong`, shape (n,)."""
    wrong: NDArray[np.object_]
    """A RejectReason or None, shape (n,)."""


def parse_times(column: pa.Array, options: TimeOptions) -> ParsedTimes:
    """The instants of a column of texts, times, dates or seconds (or milliseconds ...) since 1970.

    Raises ConfigurationError where times carry no zone and none was told, InvalidReadingsError where the
    column's type is no time.
    """
    is_encoded = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if is_encoded else column.type
    if not any(fits(kind) for fits in _TIME_TYPES):
        raise InvalidReadingsError(f"the column of times is of type {kind}; a timestamp, text or number is needed")
    # Readings of many devices share their times, so each different one is parsed once.
    encoded = column if is_encoded else column.dictionary_encode()
    different = _parse_different(encoded.dictionary, options)
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    instants = np.append(different.instants, np.datetime64("NaT", "us"))[places]
    wrong = np.append(different.wrong, RejectReason.NO_TIME)[places]
    return ParsedTimes(instants=instants, wrong=wrong)


def _parse_different(values: pa.Array, options: TimeOptions) -> ParsedTimes:
    kind = values.type
    if pa.types.is_timestamp(kind):
        stamps = values.cast(pa.timestamp("us", kind.tz), safe=False).to_numpy(zero_copy_only=False)
        parsed = stamps if kind.tz else _localize(pd.Series(stamps), options)
    elif pa.types.is_date(kind):
        days = values.cast(pa.date32()).cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
        parsed = _localize(pd.Series(days), options)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        parsed = _from_epoch(values.to_numpy(zero_copy_only=False))
    else:
        texts = pc.utf8_trim_whitespace(values.cast(pa.string())).fill_null("")
        return _parse_texts(pd.Series(texts.to_pandas(), dtype="str"), options)
    return _judge(np.asarray(parsed).astype("datetime64[us]"), np.zeros(len(values), bool))


def _parse_texts(texts: pd.Series[str], options: TimeOptions) -> ParsedTimes:
    missing = (texts == "").to_numpy(bool)
    if options.form is not None:
        return _parse_form(texts, options.form, missing, options)
    instants = np.full(len(texts), np.datetime64("NaT", "us"))
    epoch = texts.str.fullmatch(_DIGITS).to_numpy(bool)
    instants[epoch] = _from_digits(texts[epoch])
    plain = _to_plain_iso(texts)
    aware = ~epoch & plain.str.fullmatch(_AWARE).to_numpy(bool)
    instants[aware] = _read_iso(plain[aware], utc=True)
    local = ~epoch & plain.str.fullmatch(_LOCAL).to_numpy(bool)
    stamps = pd.Series(_read_iso(plain[local], utc=False))
    instants[local] = _localize(stamps, options)
    readable = np.zeros(len(texts), bool)
    readable[local] = stamps.notna()
    return _judge(instants, missing, readable)


def _parse_form(texts: pd.Series[str], form: str, missing: NDArray[np.bool_], options: TimeOptions) -> ParsedTimes:
    if "%z" in form.lower():
        stamps = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
        return _judge(_as_utc(stamps), missing)
    stamps = pd.to_datetime(texts, format=form, errors="coerce")
    return _judge(_localize(stamps, options), missing, stamps.notna().to_numpy(bool))


def _as_utc(stamps: pd.Series[pd.Timestamp]) -> NDArray[np.datetime64]:
    index = pd.DatetimeIndex(stamps)
    naive = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return np.asarray(naive, dtype="datetime64[us]")


def _to_plain_iso(texts: pd.Series[str]) -> pd.Series[str]:
    # A comma before fractions, names of UTC, and more digits than microseconds have.
    plain = texts.str.replace(r"(:\d{2}),(\d)", r"\1.\2", regex=True)
    plain = plain.str.replace(r"\s*(?:z|UTC|GMT)$", "Z", regex=True)
    return plain.str.replace(r"(\.\d{6})\d+", r"\1", regex=True)


def _read_iso(texts: pd.Series[str], *, utc: bool) -> NDArray[np.datetime64]:
    return _as_utc(pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=utc))


def _from_digits(texts: pd.Series[str]) -> NDArray[np.datetime64]:
    fractions = texts.str.contains(".", regex=False).to_numpy(bool)
    instants = np.empty(len(texts), "datetime64[us]")
    instants[fractions] = _from_epoch(texts[fractions].to_numpy(np.float64))
    instants[~fractions] = _from_epoch(texts[~fractions].astype("int64").to_numpy())
    return instants


def _from_epoch(numbers: NDArray[np.integer[Any]] | NDArray[np.floating[Any]]) -> NDArray[np.datetime64]:
    """Instants of numbers since 1970, whose unit shows in their size: seconds reach 10^11 in the year 5138."""
    size = np.abs(numbers)
    usable = np.isfinite(size) & (size < 10**19)
    micros = np.zeros(len(numbers), np.int64)
    rest = usable.copy()
    for bound, factor in _MICROSECONDS_BELOW:
        now = rest & (size < bound)
        micros[now] = np.round(numbers[now] * factor).astype(np.int64)
        rest &= ~now
    micros[rest] = (numbers[rest] // 1_000).astype(np.int64)
    instants = micros.view("datetime64[us]")
    instants[~usable] = np.datetime64("NaT")
    return instants


def _localize(stamps: pd.Series[pd.Timestamp], options: TimeOptions) -> NDArray[np.datetime64]:
    if options.zone is None:
        if stamps.notna().any():
            first = stamps[stamps.notna()].iloc[0]
            raise ConfigurationError(
                f"times carry no zone (the first is {first}): say which one they are in with --tz, such as "
                "--tz UTC or --tz Europe/Berlin"
            )
        return _as_utc(stamps)
    return _as_utc(stamps.dt.tz_localize(options.zone, ambiguous="NaT", nonexistent="NaT"))


def _judge(
    instants: NDArray[np.datetime64],
    missing: NDArray[np.bool_],
    readable: NDArray[np.bool_] | None = None,
) -> ParsedTimes:
    outside = (instants < _FIRST) | (instants > _LAST)
    instants = np.where(outside, np.datetime64("NaT", "us"), instants)
    wrong = np.full(len(instants), None, dtype=object)
    wrong[np.isnat(instants)] = RejectReason.BAD_TIME
    if readable is not None:
        # It was read as a local time, and then no instant of the zone answered to it.
        wrong[np.isnat(instants) & readable & ~outside] = RejectReason.CLOCK_CHANGE
    wrong[missing] = RejectReason.NO_TIME
    return ParsedTimes(instants=instants, wrong=wrong)
