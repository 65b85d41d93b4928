"""Reads of the anomaly log for people: what was flagged, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ml_core.domain.scoring.anomaly import Anomaly


class AnomalyLog(Protocol):
    """Table anomaly_detections with the latest verdict on each row."""

    def find(self, detection_id: UUID) -> Anomaly | None:
        """One reading of the log, flagged or not."""
        ...

    def list_episode(self, episode_id: int) -> list[Anomaly]:
        """The alarms of one episode, in order."""
        ...

    def list_flagged(
        self,
        *,
        after: datetime,
        until: datetime,
        series_ids: Sequence[int] | None = None,
        unreviewed: bool = False,
        limit: int,
    ) -> list[Anomaly]:
        """Flagged readings with after < timestamp <= until of those series (None: all), the newest first."""
        ...
