"""The anomaly log as people read it, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ml_core.adapters.postgres.database import Database
from ml_core.domain.reviews.operator_verdict import OperatorVerdict
from ml_core.domain.scoring.anomaly import Anomaly
from ml_core.domain.series import SeriesKey
from ml_core.sql import load_queries


class PostgresAnomalyLog:
    """Reads of public.anomaly_detections with ml_health.verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("anomaly_log")

    def find(self, detection_id: UUID) -> Anomaly | None:
        """One reading of the log, flagged or not."""
        found = self._fetch("find", detection_id=detection_id)
        return found[0] if found else None

    def list_episode(self, episode_id: int) -> list[Anomaly]:
        """The alarms of one episode, in order."""
        return self._fetch("list_episode", episode_id=episode_id)

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
        return self._fetch(
            "list_flagged",
            after=after,
            until=until,
            series_ids=None if series_ids is None else list(series_ids),
            unreviewed=unreviewed,
            limit=limit,
        )

    def _fetch(self, query: str, **values: Any) -> list[Anomaly]:
        with self._database.transaction() as cur:
            cur.execute(self._queries[query], values)
            return [_anomaly(row) for row in cur.fetchall()]


def _anomaly(row: tuple[Any, ...]) -> Anomaly:
    detection_id, timestamp, series_id, tenant, device, metric, is_anomaly, *figures, episode_id, verdict = row
    value, score, severity, band_low, band_high = figures
    return Anomaly(
        detection_id=detection_id,
        timestamp=timestamp,
        series_id=series_id,
        key=SeriesKey(device=device, metric=metric, tenant=tenant),
        is_anomaly=is_anomaly,
        value=value,
        score=score,
        severity=severity,
        band_low=band_low,
        band_high=band_high,
        episode_id=episode_id,
        verdict=None if verdict is None else OperatorVerdict(verdict),
    )
