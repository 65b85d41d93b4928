"""Where imported readings go, and the form in which they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ml_core.domain.series import SeriesKey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RejectReason(StrEnum):
    """Why a row is kept aside instead of stored."""

    MALFORMED = "more or fewer columns than the header"
    BAD_NAME = "the device or metric name is missing or breaks the naming rule"
    NO_TIME = "no time"
    BAD_TIME = "the time cannot be read"
    CLOCK_CHANGE = "the local time stands twice or not at all on a change of the clock"
    NO_VALUE = "no value"
    NOT_A_NUMBER = "the value is not a number"
    NAN = "the value is NaN"
    INFINITE = "the value is infinite or beyond double precision"
    REPEATED = "the row stands twice"
    CONFLICT = "conflicts with a stored value"


@dataclass(frozen=True, kw_only=True)
class RejectedReading:
    """A row as it came, and why it is kept aside."""

    line: int
    raw: str
    reason: RejectReason


@dataclass(frozen=True, kw_only=True)
class ReadingBatch:
    """The rows of one part of a source."""

    keys: Sequence[SeriesKey]
    """The series of this batch, ascending."""
    series: NDArray[np.int32]
    """Which of the keys each row belongs to, shape (n,); so are the next three."""
    timestamps: NDArray[np.datetime64]
    """UTC, datetime64[us]."""
    values: NDArray[np.float64]
    """Finite."""
    lines: NDArray[np.int64]
    """Where each row stands in its source, from 1."""
    rejected: Sequence[RejectedReading] = ()
    left_empty: int = 0
    """Empty cells of a table with one column a metric: no reading, and nothing wrong."""
    done: int = 0
    """How far in the source this batch ends, in the source's own unit."""
    total: int = 0
    """Where the source ends."""

    def __len__(self) -> int:
        return len(self.values)

    def describe(self, place: int) -> str:
        """One row as a text."""
        key = self.keys[self.series[place]]
        return f"{key.device},{key.metric},{self.timestamps[place]}Z,{float(self.values[place])!r}"


@dataclass(frozen=True, kw_only=True)
class StoredBatch:
    """What became of a batch's rows; each is accepted, a duplicate or a conflict."""

    accepted: int
    duplicates: int
    """Rows that were stored before, with the same value."""
    conflicts: int
    """Rows whose instant was stored before with another value; kept aside."""
    late: int
    """Accepted rows that come too late to be scored."""


class ReadingStore(Protocol):
    """Tables ml_health.telemetry and ml_health.rejected_reading."""

    def add(self, batch: ReadingBatch, *, source: str, at: datetime, lateness: timedelta) -> StoredBatch:
        """Write a batch and its rejected rows in one transaction; the same batch again changes nothing."""
        ...
