"""Where the scoring of a series stands, and which readings are new to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from ml_core.domain.detectors.detector import EMPTY_STATE
from ml_core.domain.scoring.episode import Episode
from ml_core.domain.series import Readings, to_datetime, to_instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_INSTANTS = np.empty(0, dtype="datetime64[us]")


@dataclass(frozen=True, kw_only=True)
class ScoringState:
    """Where the scoring of one series stands."""

    series_id: int
    model_id: UUID
    state: bytes = EMPTY_STATE
    scored_from: datetime
    """Readings up to here were there before scoring began and are never scored."""
    watermark: datetime
    """The newest reading looked at."""
    recent: NDArray[np.datetime64]
    """Instants scored within the lateness window behind the watermark, ascending."""
    revision: int = 0
    """Rises with every change in the store: whoever scored from an older one writes nothing."""
    open_episode: Episode | None = None

    @classmethod
    def begin(cls, series_id: int, model_id: UUID, *, watermark: datetime) -> ScoringState:
        """The state of a series of which nothing has been scored yet."""
        return cls(
            series_id=series_id,
            model_id=model_id,
            scored_from=watermark,
            watermark=watermark,
            recent=NO_INSTANTS,
        )

    def looks_back_to(self, lateness: timedelta) -> datetime:
        """The moment after which a reading may still be scored."""
        return max(self.scored_from, self.watermark - lateness)


@dataclass(frozen=True, kw_only=True)
class NewReadings:
    """What of the fetched readings has not been looked at before."""

    batch: Readings
    is_late: NDArray[np.bool_]
    """Which of the batch lie behind the watermark, shape (n,)."""
    dropped_at: NDArray[np.datetime64]
    """Instants of unusable rows beyond the watermark; those behind it are not told apart, nor counted again."""
    watermark: datetime
    """The watermark once this has been dealt with."""


def pick_new(
    before: ScoringState, readings: Readings, *, lateness: timedelta, passed: datetime | None = None
) -> NewReadings | None:
    """The readings after the watermark, and the late ones within the window that have not been scored.

    `passed` is the end of a window beyond which there are readings: where nothing is new, the watermark
    goes there, else a gap longer than a window would stop it for good. None where nothing changes.
    """
    edge = to_instant(before.watermark)
    instants = readings.timestamps
    may_score = instants > to_instant(before.looks_back_to(lateness))
    is_new = may_score & ((instants > edge) | ~np.isin(instants, before.recent))
    batch = Readings(timestamps=instants[is_new], values=readings.values[is_new])
    dropped_at = readings.dropped_at[readings.dropped_at > edge]
    watermark = to_datetime(max((edge, *batch.timestamps[-1:], *dropped_at)))
    if len(batch) == 0 and passed is not None:
        watermark = max(watermark, passed)
    if len(batch) == 0 and watermark == before.watermark:
        return None
    return NewReadings(batch=batch, is_late=batch.timestamps <= edge, dropped_at=dropped_at, watermark=watermark)
