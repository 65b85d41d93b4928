"""Gold windows in PostgreSQL, one row a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from ml_core.adapters.postgres.database import Database
from ml_core.domain.series import Readings, to_datetime
from ml_core.sql import load_queries


class PostgresGoldWindows:
    """Table ml_health.gold_window."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("gold_windows")

    def load(self, series_ids: Sequence[int]) -> Mapping[int, Readings]:
        """The gold windows of those series that have one."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["load"], {"series_ids": list(series_ids)})
            return {
                series_id: Readings.clean([_naive_utc(stamp) for stamp in timestamps], readings)
                for series_id, timestamps, readings in cur.fetchall()
            }

    def rebase(self, series_id: int, model_id: UUID, readings: Readings, *, at: datetime) -> None:
        """Replace the gold window of a series; only promotion or a person does so."""
        window = {
            "series_id": series_id,
            "model_id": model_id,
            "timestamps": [to_datetime(stamp) for stamp in readings.timestamps],
            "readings": readings.values.tolist(),
            "at": at,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["rebase"], window)


def _naive_utc(stamp: datetime) -> np.datetime64:
    return np.datetime64(stamp.astimezone(UTC).replace(tzinfo=None), "us")
