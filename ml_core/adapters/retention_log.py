"""Expired rows and partitions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import pandas as pd
from psycopg2 import sql

from ml_core.adapters.postgres import Database
from ml_core.sql import load_queries

_ROWS_A_BATCH = 50_000


class PostgresRetentionLog:
    """Retention by dropping partitions and deleting old history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("retention_log")

    def cited_models(self) -> frozenset[UUID]:
        """Models that an open finding is about."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["cited_models"])
            return frozenset(UUID(str(model_id)) for (model_id,) in cur.fetchall())

    def expired_partitions(self, *, before: datetime) -> list[str]:
        """Partitions of the anomaly log with nothing younger than `before`, the oldest first."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["expired_partitions"], {"before": before})
            return [name for (name,) in cur.fetchall()]

    def read_partition(self, name: str) -> Iterator[pd.DataFrame]:
        """A partition's rows in batches, for the archive."""
        query = sql.SQL("SELECT * FROM {} ORDER BY timestamp, id").format(sql.Identifier("public", name))
        with self._database.transaction() as cur:
            cur.execute(sql.SQL("DECLARE archive NO SCROLL CURSOR FOR ") + query)
            while True:
                cur.execute(sql.SQL("FETCH {} FROM archive").format(sql.Literal(_ROWS_A_BATCH)))
                rows = cur.fetchall()
                if not rows:
                    return
                yield pd.DataFrame(rows, columns=[column.name for column in cur.description or ()])

    def drop_partition(self, name: str, *, before: datetime) -> None:
        """Drop a partition that is expired; anything else is refused by the database."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["drop_partition"], {"name": name, "before": before})

    def delete_history(self, *, before: datetime) -> int:
        """Delete check results, run items and rejected readings older than `before`; rows deleted."""
        deleted = 0
        with self._database.transaction() as cur:
            for name in ("delete_check_results", "delete_run_items", "delete_rejected_readings"):
                cur.execute(self._queries[name], {"before": before})
                deleted += cur.rowcount
        return deleted
