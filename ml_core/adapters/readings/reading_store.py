"""Imported readings into our own telemetry table, a batch a transaction, by binary COPY."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import cursor

from ml_core.adapters.postgres.binary_copy import copy_in, copy_out
from ml_core.adapters.postgres.database import Database
from ml_core.ports.reading_store import ReadingBatch, RejectedReading, RejectReason, StoredBatch
from ml_core.sql import load_queries

MAX_RAW_CHARACTERS = 500
"""A rejected row is kept up to here: the index that tells one row from another has a limit of its own."""


class PostgresReadingStore:
    """Tables ml_health.telemetry and ml_health.rejected_reading; a dry run undoes every batch."""

    def __init__(self, database: Database, *, dry_run: bool = False) -> None:
        self._database = database
        self._dry_run = dry_run
        self._queries = load_queries("reading_store")

    def add(self, batch: ReadingBatch, *, source: str, at: datetime, lateness: timedelta) -> StoredBatch:
        """Write a batch and its rejected rows in one transaction; the same batch again changes nothing."""
        with suppress(_Undone), self._database.transaction() as cur:
            stored, conflicts = self._store(cur, batch, lateness)
            self._keep_rejected(cur, [*batch.rejected, *conflicts], source, at)
            if self._dry_run:
                raise _Undone
        return stored

    def _store(
        self, cur: cursor, batch: ReadingBatch, lateness: timedelta
    ) -> tuple[StoredBatch, list[RejectedReading]]:
        if not len(batch):
            return StoredBatch(accepted=0, duplicates=0, conflicts=0, late=0), []
        cur.execute(self._queries["create_incoming"])
        columns = {
            "series": batch.series,
            "at": batch.timestamps,
            "value": batch.values,
            "line": batch.lines,
        }
        copy_in(cur, sql.Identifier("pg_temp", "incoming"), columns)
        named = _name_series(batch)
        cur.execute(self._queries["store_incoming"], {**named, "lateness": lateness})
        accepted, late = cur.fetchone() or (0, 0)
        conflicts = self._find_conflicts(cur, batch, named) if accepted < len(batch) else []
        stored = StoredBatch(
            accepted=accepted,
            duplicates=len(batch) - accepted - len(conflicts),
            conflicts=len(conflicts),
            late=late,
        )
        return stored, conflicts

    def _find_conflicts(self, cur: cursor, batch: ReadingBatch, named: dict[str, Any]) -> list[RejectedReading]:
        asked = cur.mogrify(self._queries["find_conflicts"].rstrip(";"), named)
        lines, series, instants, values = copy_out(cur, asked, "liMf")
        found = ReadingBatch(keys=batch.keys, series=series, timestamps=instants, values=values, lines=lines)
        return [
            RejectedReading(line=int(lines[place]), raw=found.describe(int(place)), reason=RejectReason.CONFLICT)
            for place in np.argsort(lines, kind="stable")
        ]

    def _keep_rejected(self, cur: cursor, rejected: Sequence[RejectedReading], source: str, at: datetime) -> None:
        if not rejected:
            return
        rows = {
            "source": source,
            "at": at,
            "lines": [row.line for row in rejected],
            "raws": [_storable(row.raw) for row in rejected],
            "reasons": [row.reason.value for row in rejected],
        }
        cur.execute(self._queries["keep_rejected"], rows)


class _Undone(Exception):  # noqa: N818 - no error: it rolls a dry run's transaction back
    pass


def _name_series(batch: ReadingBatch) -> dict[str, Any]:
    return {
        "places": list(range(len(batch.keys))),
        "tenants": [key.tenant for key in batch.keys],
        "devices": [key.device for key in batch.keys],
        "metrics": [key.metric for key in batch.keys],
    }


def _storable(raw: str) -> str:
    # PostgreSQL's text holds every character but this one.
    return raw[:MAX_RAW_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
