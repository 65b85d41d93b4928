"""What a series is, and what its readings look like once they are clean."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from ml_core.errors import InvalidNameError, InvalidReadingsError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

FIXED_TENANT = UUID(int=0)
"""The tenant of a site that has no tenants; nobody sees it."""

MAX_NAME_LENGTH = 255
_REFUSED = {'"': "a double quote", "\\": "a backslash"}


def check_name(name: object, field: str) -> str:
    """Return `name` if it obeys the naming rule, else raise InvalidNameError naming `field` and the bound."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidNameError(f"{field} must be a text that is not empty, got {name!r}")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidNameError(f"{field} has {len(name)} characters, at most {MAX_NAME_LENGTH} are allowed")
    for character, words in _REFUSED.items():
        if character in name:
            raise InvalidNameError(f"{field} {name!r} holds {words}, which is refused")
    if not name.isprintable():
        raise InvalidNameError(f"{field} {name!r} holds a control character, which is refused")
    if ".." in name.split("/"):
        raise InvalidNameError(f"{field} {name!r} holds a '..' part, which is refused")
    return name


@dataclass(frozen=True, kw_only=True, order=True)
class SeriesKey:
    """Names one series: a metric of a device of a tenant.

    Written DEVICE:METRIC. Ids may hold colons and tenants may use the same names, so that several series can be
    written alike; wherever a series is asked for, `@` and its number is accepted too (`ml-health status --series`).
    """

    device: str
    metric: str
    tenant: UUID = FIXED_TENANT

    def __post_init__(self) -> None:
        check_name(self.device, "device_id")
        check_name(self.metric, "metric_name")

    def __str__(self) -> str:
        return f"{self.device}:{self.metric}"


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Clean readings of one series: ascending unique UTC instants, finite values.

    timestamps: shape (n,), datetime64[us], UTC. values: shape (n,), float64.
    dropped: how many raw rows were not finite or stood twice.
    dropped_at: instants of those of them that had one, datetime64[us], UTC.
    """

    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    dropped: int = 0
    dropped_at: NDArray[np.datetime64] = field(default_factory=lambda: np.empty(0, dtype="datetime64[us]"))

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def clean(cls, timestamps: object, values: object) -> Readings:
        """Sort, drop what is not finite, keep the first of equal instants; count what was dropped."""
        ts = np.asarray(timestamps).astype("datetime64[us]")
        raw = np.asarray(values, dtype=np.float64)
        if ts.shape != raw.shape or ts.ndim != 1:
            raise InvalidReadingsError(f"timestamps {ts.shape} and values {raw.shape} must be of one length")
        dated = ~np.isnat(ts)
        usable = np.isfinite(raw) & dated
        unusable_at = ts[dated & ~usable]
        ts, kept = ts[usable], raw[usable]
        # By time, then by value: duplicates in any order of arrival give the same model bit for bit.
        order = np.lexsort((kept, ts))
        ts, kept = ts[order], kept[order]
        first = np.ones(len(ts), dtype=bool)
        first[1:] = ts[1:] != ts[:-1]
        return cls(
            timestamps=ts[first],
            values=kept[first],
            dropped=len(raw) - int(first.sum()),
            dropped_at=np.concatenate([unusable_at, ts[~first]]),
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Readings:
        """Readings of a DataFrame with the columns `timestamp` (naive = UTC) and `value`."""
        import pandas as pd

        missing = [column for column in ("timestamp", "value") if column not in frame.columns]
        if missing:
            raise InvalidReadingsError(f"missing column {', '.join(missing)}; 'timestamp' and 'value' are needed")
        stamps = pd.to_datetime(frame["timestamp"], utc=True, errors="coerce").dt.tz_localize(None)
        values = pd.to_numeric(frame["value"], errors="coerce")
        return cls.clean(stamps.to_numpy("datetime64[us]"), values.to_numpy(np.float64, na_value=np.nan))

    def between(self, start: datetime | None, end: datetime | None) -> Readings:
        """The readings with start < timestamp <= end; None leaves a side open."""
        low = 0 if start is None else int(np.searchsorted(self.timestamps, to_instant(start), side="right"))
        high = len(self) if end is None else int(np.searchsorted(self.timestamps, to_instant(end), side="right"))
        return Readings(timestamps=self.timestamps[low:high], values=self.values[low:high])

    def median_interval_s(self) -> float | None:
        """Median seconds between readings (D in the checks); None below two readings."""
        if len(self) < 2:
            return None
        return float(np.median(np.diff(self.timestamps).astype(np.int64))) / 1e6


def to_instant(moment: datetime) -> np.datetime64:
    """An aware datetime as numpy's UTC instant; a naive one is refused."""
    if moment.tzinfo is None:
        raise InvalidReadingsError(f"{moment.isoformat()} has no time zone; give one")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def to_datetime(instant: np.datetime64) -> datetime:
    """Numpy's UTC instant as an aware datetime."""
    moment: datetime = instant.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
