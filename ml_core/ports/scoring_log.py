"""What scoring carries on and writes: state, watermark, detections, episodes and rollups, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ml_core.domain.scoring.scoring_state import ScoringState
from ml_core.domain.scoring.series_scoring import SeriesScoring

__all__ = ["ScoringLog", "ScoringState", "SeriesScoring"]


class ScoringLog(Protocol):
    """Tables detector_state, anomaly_detections, episode and activity_hourly."""

    def begin(self, series_id: int, model_id: UUID, *, watermark: datetime, at: datetime) -> None:
        """Start the scoring of a series: nothing up to the watermark is ever scored.

        Of a series that is being scored already, the state is emptied where the model is another, and the
        watermark stays: nothing is scored twice or passed over.
        """
        ...

    def load(self, series_ids: Sequence[int]) -> Mapping[int, ScoringState]:
        """The states of those series that have one."""
        ...

    def commit(self, batch: Sequence[SeriesScoring], *, at: datetime, log_normal: bool) -> frozenset[int]:
        """Write a batch in one transaction, all or nothing, of the series whose state has not moved meanwhile.

        Answers the ids of those that were scored or given another model since their state was loaded.
        """
        ...
