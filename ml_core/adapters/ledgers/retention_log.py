"""Expired rows and partitions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from ml_core.adapters.postgres.arrow_rows import rows_to_arrow
from ml_core.adapters.postgres.database import Database
from ml_core.sql import load_queries

_HISTORY = (
    "delete_check_results", "delete_run_items", "delete_rejected_readings", "delete_rollups", "delete_fleet_rollups",
    "delete_alert_deliveries", "delete_alert_events",
)  # fmt: skip


class PostgresRetentionLog:
    """Retention by dropping partitions and deleting old history, `rows_per_batch` rows of a table at a time."""

    def __init__(self, database: Database, *, rows_per_batch: int = 50_000) -> None:
        self._database = database
        self._rows_per_batch = rows_per_batch
        self._queries = load_queries("retention_log")

    def series_with_artifacts(self) -> list[int]:
        """Every series of which some version still has its artifact, whatever its name and state."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["series_with_artifacts"])
            return [series_id for (series_id,) in cur.fetchall()]

    def cited_models(self) -> frozenset[UUID]:
        """Models that an open finding, or one of an open incident, is about."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["cited_models"])
            return frozenset(model_id for (model_id,) in cur.fetchall())

    def expired_partitions(self, *, before: datetime) -> list[str]:
        """Partitions of the anomaly log with nothing younger than `before`, the oldest first."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["expired_partitions"], {"before": before})
            return [name for (name,) in cur.fetchall()]

    def read_partition(self, name: str, *, before: datetime) -> Generator[pa.Table]:
        """An expired partition's rows in batches of one schema, at least one batch; close it when done."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["open_partition"], {"name": name, "before": before})
            is_first = True
            while True:
                cur.execute(self._queries["fetch_rows"], {"rows": self._rows_per_batch})
                if not cur.rowcount and not is_first:
                    return
                yield rows_to_arrow(cur.description or (), cur.fetchall())
                is_first = False

    def drop_partition(self, name: str, *, before: datetime, rows: int | None = None) -> None:
        """Drop a partition that is expired and, if they are given, has as many rows; else the database refuses."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["drop_partition"], {"name": name, "before": before, "rows": rows})

    def delete_history(self, *, before: datetime, rollups_before: datetime) -> int:
        """Delete some check results, run items, refused readings, alerts and rollups of before then.

        Answers how many rows went; call it until that is 0.
        """
        limits = {"before": before, "rollups_before": rollups_before, "rows": self._rows_per_batch}
        deleted = 0
        with self._database.transaction() as cur:
            for name in _HISTORY:
                cur.execute(self._queries[name], limits)
                deleted += cur.rowcount
        return deleted
