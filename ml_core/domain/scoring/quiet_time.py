"""Times in which people are spared alerts, or readings are not learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from uuid import UUID

import numpy as np

from ml_core.domain.series import Readings, SeriesKey, to_instant


class QuietKind(StrEnum):
    """Why it is quiet."""

    SNOOZE = "snooze"
    """A person has heard of one series and wants no more alerts of it for a while."""
    MAINTENANCE = "maintenance"
    """Somebody works on the machine, so its readings mean little."""


class Skip(StrEnum):
    """What is left out."""

    ALERTS = "alerts"
    TRAINING = "training"


@dataclass(frozen=True, kw_only=True)
class QuietTime:
    """An entry of the calendar; `quiet_id` 0 until it is stored."""

    kind: QuietKind
    pattern: str
    """Shell pattern of DEVICE:METRIC."""
    tenant: UUID | None = None
    """Whose series are meant; None: every tenant's."""
    begins_at: datetime
    ends_at: datetime
    skips: frozenset[Skip]
    created_by: str
    created_at: datetime
    reason: str | None = None
    quiet_id: int = 0

    def is_about(self, key: SeriesKey) -> bool:
        """Whether the series is meant."""
        return self.tenant in (None, key.tenant) and fnmatchcase(str(key), self.pattern)

    def holds_at(self, at: datetime) -> bool:
        """Whether the moment lies within."""
        return self.begins_at <= at < self.ends_at

    def __str__(self) -> str:
        because = f": {self.reason}" if self.reason else ""
        return f"{self.kind.value} until {self.ends_at:%Y-%m-%d %H:%M}Z{because}"


def escape_pattern(name: str) -> str:
    """The pattern that a name alone matches."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def find_spared(times: Iterable[QuietTime], key: SeriesKey, *, at: datetime, now: datetime) -> str | None:
    """Why nobody is told of an alarm at `at`, or None.

    Maintenance spares alarms of its time, whenever they are told; a snooze those that would be told in its time.
    """
    for time in times:
        moment = now if time.kind is QuietKind.SNOOZE else at
        if Skip.ALERTS in time.skips and time.holds_at(moment) and time.is_about(key):
            return str(time)
    return None


def leave_out_quiet(readings: Readings, times: Iterable[QuietTime], key: SeriesKey) -> Readings:
    """The readings without those of times that are not learned from."""
    kept = np.ones(len(readings), dtype=bool)
    for time in times:
        if Skip.TRAINING in time.skips and time.is_about(key):
            begins, ends = to_instant(time.begins_at), to_instant(time.ends_at)
            kept &= ~((readings.timestamps >= begins) & (readings.timestamps < ends))
    if kept.all():
        return readings
    return Readings(timestamps=readings.timestamps[kept], values=readings.values[kept])
