"""An event as people write it down: a stretch of time, of one series or of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import InvalidReadingsError

if TYPE_CHECKING:
    from ml_core.domain.series import Readings, SeriesKey


@dataclass(frozen=True, kw_only=True)
class LabelledSpan:
    """From `start` to `end`, both included, UTC; `series` is DEVICE:METRIC or DEVICE, None is every series."""

    start: np.datetime64
    end: np.datetime64
    series: str | None = None

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidReadingsError(f"a label ends at {self.end}, before its start at {self.start}")

    def concerns(self, key: SeriesKey) -> bool:
        """Whether it is a label of that series."""
        return self.series is None or self.series in (str(key), key.device)

    def positions(self, readings: Readings) -> tuple[int, int]:
        """First and last reading of the event; of one between two readings the next, which may be none."""
        first = int(np.searchsorted(readings.timestamps, self.start, side="left"))
        return first, max(first, int(np.searchsorted(readings.timestamps, self.end, side="right")) - 1)
