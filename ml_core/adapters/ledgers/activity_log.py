"""What scoring has done lately, read from the hourly rollups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.rollup import latency_quantile_ms
from ml_core.ports.activity_log import Activity
from ml_core.sql import load_queries


class PostgresActivityLog:
    """Reads of ml_health.activity_hourly and the watermarks of ml_health.detector_state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("activity_log")

    def read_activity(self, series_ids: Sequence[int], *, after: datetime, until: datetime) -> Mapping[int, Activity]:
        """Sums over rollup hours with after < hour <= until; every asked series is answered."""
        values = {"series_ids": list(series_ids), "after": after, "until": until}
        with self._database.transaction() as cur:
            cur.execute(self._queries["read_activity"], values)
            rows = cur.fetchall()
        return {
            series_id: Activity(
                scored=scored,
                anomalies=anomalies,
                episodes=episodes,
                out_of_range=out_of_range,
                calls=calls,
                latency_p95_ms=latency_quantile_ms(buckets, 0.95),
                watermark=watermark,
            )
            for series_id, scored, anomalies, episodes, out_of_range, calls, buckets, watermark in rows
        }
