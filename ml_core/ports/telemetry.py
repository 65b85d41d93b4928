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


@dataclass(frozen=True, kw_only=True)
class TelemetrySurvey:
    """What the relation holds up to some moment, and what of it cannot be used."""

    extents: Sequence[SeriesExtent]
    """Series with usable readings."""
    unusable_rows: int
    """Rows of well-named series without a time or a finite value."""
    refused_names: int
    """Series left out because a name breaks the naming rule, or is missing."""
    refused_rows: int
    """Rows of those series."""


class TelemetrySource(Protocol):
    """The one mapped relation of readings."""

    def survey(self, *, until: datetime) -> TelemetrySurvey:
        """Every series with readings up to `until`, and how many rows cannot be used and why."""
        ...

    def list_extents(self, *, until: datetime) -> list[SeriesExtent]:
        """Every series that has finite readings up to `until`, with its first, newest and count."""
        ...

    def fetch(self, windows: Sequence[Window]) -> Mapping[SeriesKey, Readings]:
        """Clean readings of each window, in one query for all; every asked key is answered, if with nothing."""
        ...
