"""What scoring carries on and writes: state, watermark, detections, episodes and rollups, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from ml_core.domain.detector import ScoredReadings
from ml_core.domain.episode import Episode
from ml_core.domain.series import SeriesKey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ScoringState:
    """Where the scoring of one series stands."""

    series_id: int
    model_id: UUID
    state: bytes
    watermark: datetime
    recent: NDArray[np.datetime64]
    """Instants scored within the lateness window behind the watermark, ascending."""
    open_episode: Episode | None = None


@dataclass(frozen=True, kw_only=True)
class SeriesScoring:
    """Everything that one scored batch of one series changes."""

    key: SeriesKey
    before: ScoringState
    after: ScoringState
    scored: ScoredReadings
    episodes: Sequence[Episode]
    """Episodes opened, continued or closed by this batch, in order."""
    late: int
    dropped: int
    out_of_range: int
    latency_ms: float
    """Wall time of the scoring call."""


class ScoringLog(Protocol):
    """Tables detector_state, anomaly_detections, episode and activity_hourly."""

    def begin(self, series_id: int, model_id: UUID, *, watermark: datetime, at: datetime) -> None:
        """Start (or restart under another model) the scoring of a series; the watermark never goes back."""
        ...

    def load(self, series_ids: Sequence[int]) -> Mapping[int, ScoringState]:
        """The states of those series that have one."""
        ...

    def commit(self, batch: Sequence[SeriesScoring], *, at: datetime, log_normal: bool) -> int:
        """Write a batch in one transaction; detections written. ConflictError where a watermark moved meanwhile."""
        ...
