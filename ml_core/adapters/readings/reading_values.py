"""Values of a table's column as finite numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_core.errors import InvalidReadingsError
from ml_core.ports.reading_store import RejectReason

_NUMBER = r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"
_NOTHING = pa.array(["", "null", "none", "na", "n/a"])
_INFINITE = r"^[-+]?inf(?:inity)?$"


@dataclass(frozen=True, kw_only=True)
class ParsedValues:
    """Numbers of a column, and what is wrong with those that are none."""

    values: NDArray[np.float64]
    """NaN where there is a reason in `wrong`, shape (n,)."""
    wrong: NDArray[np.object_]
    """A RejectReason or None, shape (n,)."""


def parse_values(column: pa.Array, decimal: str = ".") -> ParsedValues:
    """The numbers of a column of texts (with this decimal mark), numbers or truth values.

    Raises InvalidReadingsError where the column's type is none of these.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _parse_texts(pc.utf8_trim_whitespace(column.cast(kind)), decimal)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InvalidReadingsError(f"a column of values is of type {kind}; a number or text is needed")
    missing = column.is_null().to_numpy(zero_copy_only=False)
    values = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return _judge(values, missing=missing, text=np.zeros(len(values), bool))


def _parse_texts(texts: pa.Array, decimal: str) -> ParsedValues:
    if decimal != ".":
        # A point would be a mark of thousands: such a number is refused rather than guessed at.
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "\0"), decimal, ".")
    nothing = pa.scalar(None, texts.type)
    is_number = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), False)
    digits = pc.utf8_ltrim(pc.if_else(is_number, texts, nothing), characters="+")
    values = digits.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    words = pc.utf8_lower(pc.if_else(is_number, nothing, texts))
    missing = pc.or_(pc.is_null(texts), pc.fill_null(pc.is_in(words, _NOTHING), False))
    infinite = pc.fill_null(pc.match_substring_regex(words, _INFINITE), False)
    unreadable = pc.and_not(pc.invert(is_number), pc.fill_null(pc.equal(words, "nan"), False))
    values = np.where(infinite.to_numpy(zero_copy_only=False), np.inf, values)
    return _judge(
        values,
        missing=missing.to_numpy(zero_copy_only=False),
        text=unreadable.to_numpy(zero_copy_only=False),
    )


def _judge(values: NDArray[np.float64], *, missing: NDArray[np.bool_], text: NDArray[np.bool_]) -> ParsedValues:
    wrong = np.full(len(values), None, dtype=object)
    wrong[np.isnan(values)] = RejectReason.NAN
    wrong[text] = RejectReason.NOT_A_NUMBER
    wrong[np.isinf(values)] = RejectReason.INFINITE
    wrong[missing] = RejectReason.NO_VALUE
    return ParsedValues(values=np.where(np.isfinite(values), values, np.nan), wrong=wrong)
