"""The known series in PostgreSQL, their state of life and their health."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SERIES_LIFE, Health, SeriesExtent, SeriesRecord, SeriesState
from ml_core.errors import InvalidNameError
from ml_core.sql import load_queries

logger = logging.getLogger(__name__)


class PostgresSeriesRegistry:
    """Table ml_health.series; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("series_registry")

    def register(self, extents: Sequence[SeriesExtent], *, at: datetime) -> int:
        """Add series not known yet and refresh each one's newest reading; returns how many were new."""
        found = {**_name_keys([extent.key for extent in extents]), "at": at}
        found["newest"] = [extent.newest_at for extent in extents]
        with self._database.transaction() as cur:
            cur.execute(self._queries["add_new"], found)
            added = cur.rowcount
            cur.execute(self._queries["refresh_newest"], found)
        return added

    def list_series(
        self, *, states: Sequence[SeriesState] | None = None, keys: Sequence[SeriesKey] | None = None
    ) -> list[SeriesRecord]:
        """Series in those states and with those keys (None: all), adopted ones first, then by name."""
        asked = _name_keys(keys)
        asked["states"] = None if states is None else [state.value for state in states]
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_series"], asked)
            return [record for row in cur.fetchall() if (record := _read_record(row)) is not None]

    def save_state(
        self,
        series_id: int,
        state: SeriesState,
        *,
        reason: str | None,
        trainable_at: datetime | None = None,
        training_failures: int = 0,
        circuit_open_until: datetime | None = None,
    ) -> None:
        """Write the state of one series; what is not given is emptied; a step that is not allowed raises."""
        row = {
            "series_id": series_id,
            "state": state.value,
            "reason": reason,
            "trainable_at": trainable_at,
            "training_failures": training_failures,
            "circuit_open_until": circuit_open_until,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["hold_state"], row)
            for (current,) in cur.fetchall():
                SERIES_LIFE.check(SeriesState(current), state)
            cur.execute(self._queries["save_state"], row)

    def save_health(self, health: Mapping[int, tuple[Health, Sequence[str]]], *, at: datetime) -> None:
        """Write the verdict and its reasons of many series by their ids."""
        rows = {
            "at": at,
            "series_ids": list(health),
            "verdicts": [verdict.value for verdict, _ in health.values()],
            "reasons": [to_json(list(reasons)) for _, reasons in health.values()],
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["save_health"], rows)

    def mute(self, key: SeriesKey, *, until: datetime | None, reason: str | None) -> bool:
        """Quiet a series until then (None: no longer); False where there is no such series."""
        row = {
            "tenant": key.tenant,
            "device": key.device,
            "metric": key.metric,
            "until": until,
            "reason": reason,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["mute"], row)
            return cur.rowcount > 0


def _name_keys(keys: Sequence[SeriesKey] | None) -> dict[str, Any]:
    if keys is None:
        return {"tenants": None, "devices": None, "metrics": None}
    return {
        "tenants": [key.tenant for key in keys],
        "devices": [key.device for key in keys],
        "metrics": [key.metric for key in keys],
    }


def _read_record(row: tuple[Any, ...]) -> SeriesRecord | None:
    try:
        key = SeriesKey(tenant=row[1], device=row[2], metric=row[3])
    except InvalidNameError as exc:
        # The platform's own models may bear names that nothing of ours would accept.
        logger.warning("series %s is left out: %s", row[0], exc)
        return None
    return SeriesRecord(
        series_id=row[0],
        key=key,
        state=SeriesState(row[4]),
        discovered_at=row[5],
        state_reason=row[6],
        newest_reading_at=row[7],
        trainable_at=row[8],
        training_failures=row[9],
        circuit_open_until=row[10],
        health=Health(row[11]),
        health_reasons=tuple(row[12]),
        health_checked_at=row[13],
        muted_until=row[14],
        mute_reason=row[15],
        adopted=row[16],
    )
