"""Where readings come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_core.domain.series import Readings, SeriesKey
from ml_core.domain.series_record import SeriesExtent


@dataclass(frozen=True, kw_only=True)
class Window:
    """Readings of one series with after < timestamp <= until; `after` None means from the first."""

    key: SeriesKey
    after: datetime | None
    until: datetime


class TelemetrySource(Protocol):
    """The one mapped relation of readings."""

    def list_extents(self, *, until: datetime) -> list[SeriesExtent]:
        """Every series that has finite readings up to `until`, with its first, newest and count."""
        ...

    def fetch(self, windows: Sequence[Window]) -> Mapping[SeriesKey, Readings]:
        """Clean readings of each window, in one query for all; every asked key is answered, if with nothing."""
        ...
