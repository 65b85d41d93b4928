"""Readings from one mapped relation of PostgreSQL, all windows of a batch in one binary COPY."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2 import errors, sql
from psycopg2.extensions import cursor

from ml_core.adapters.postgres.binary_copy import copy_out
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.readings.telemetry_mapping import TelemetryMapping, express_columns
from ml_core.domain.series import Readings, SeriesKey
from ml_core.domain.series_record import SeriesExtent
from ml_core.errors import ConfigurationError, InvalidNameError
from ml_core.ports.telemetry import TelemetrySurvey, Window
from ml_core.sql import load_queries

__all__ = ["PostgresTelemetry", "TelemetryMapping"]
logger = logging.getLogger(__name__)
EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Nothing before it is a time that Python can hold; `-infinity` is not a time at all."""


class PostgresTelemetry:
    """The one mapped relation of readings, a table or a view."""

    def __init__(self, database: Database, mapping: TelemetryMapping) -> None:
        self._database = database
        self._mapping = mapping
        self._queries = load_queries("telemetry")

    def survey(self, *, until: datetime) -> TelemetrySurvey:
        """Every series with readings up to `until`, and how many rows cannot be used and why."""
        query = self._complete("survey")
        with self._reading() as cur:
            cur.execute(query, {"until": until, "earliest": EARLIEST})
            rows = cur.fetchall()
        return _summarise(rows)

    def list_extents(self, *, until: datetime) -> list[SeriesExtent]:
        """Every series that has finite readings up to `until`, with its first, newest and count."""
        found = self.survey(until=until)
        if found.refused_names:
            logger.warning(
                "%s: %d series (%d rows) are left out because of their names: they need a device and a metric "
                "without control characters, double quotes and backslashes",
                self._mapping.relation,
                found.refused_names,
                found.refused_rows,
            )
        return list(found.extents)

    def fetch(self, windows: Sequence[Window]) -> Mapping[SeriesKey, Readings]:
        """Clean readings of each window, in one query for all; every asked key is answered, if with nothing."""
        if not windows:
            return {}
        query = self._complete("fetch")
        places = {key: place for place, key in enumerate(dict.fromkeys(window.key for window in windows))}
        with self._reading() as cur:
            asked = cur.mogrify(query, _name_windows(windows, places))
            place, instants, values = copy_out(cur, asked, "iMf")
        return dict(zip(places, _split(place, instants, values, len(places)), strict=True))

    def _complete(self, query: str) -> sql.Composable:
        return sql.SQL(self._queries[query]).format(**self._fragments)

    @cached_property
    def _fragments(self) -> dict[str, sql.Composable]:
        with self._database.transaction() as cur:
            cur.execute(self._queries["columns"], {"relation": self._mapping.identifier.as_string(cur)})
            types = dict(cur.fetchall())
        return express_columns(self._mapping, types)

    @contextmanager
    def _reading(self) -> Iterator[cursor]:
        try:
            with self._database.transaction() as cur:
                yield cur
        except errors.InsufficientPrivilege as exc:
            raise ConfigurationError(
                f"telemetry.relation {self._mapping.relation!r} may not be read by this user: GRANT SELECT on it"
            ) from exc
        except (errors.UndefinedTable, errors.UndefinedColumn, psycopg2.DataError) as exc:
            raise ConfigurationError(
                f"telemetry.relation {self._mapping.relation!r} cannot be read as it is mapped: {_one_line(exc)}"
            ) from exc


def _one_line(exc: psycopg2.Error) -> str:
    return str(exc).strip().splitlines()[0]


def _name_windows(windows: Sequence[Window], places: Mapping[SeriesKey, int]) -> dict[str, list[Any]]:
    return {
        "places": [places[window.key] for window in windows],
        "tenants": [window.key.tenant for window in windows],
        "devices": [window.key.device for window in windows],
        "metrics": [window.key.metric for window in windows],
        "after": [window.after or EARLIEST for window in windows],
        "until": [window.until for window in windows],
    }


def _split(
    place: NDArray[np.int32],
    instants: NDArray[np.datetime64],
    values: NDArray[np.float64],
    count: int,
) -> Iterator[Readings]:
    order = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place, minlength=count))
    for start, end in zip(np.concatenate(([0], ends[:-1])), ends, strict=True):
        chosen = order[start:end]
        yield Readings.clean(instants[chosen], values[chosen])


def _summarise(rows: Sequence[tuple[Any, ...]]) -> TelemetrySurvey:
    extents: list[SeriesExtent] = []
    unusable_rows = refused_names = refused_rows = 0
    for tenant, device, metric, first_at, newest_at, readings, total in rows:
        try:
            key = SeriesKey(device=device, metric=metric, tenant=UUID(tenant or ""))
        except (InvalidNameError, ValueError):
            refused_names += 1
            refused_rows += total
            continue
        unusable_rows += total - readings
        if readings:
            extents.append(SeriesExtent(key=key, first_at=first_at, newest_at=newest_at, readings=readings))
    return TelemetrySurvey(
        extents=extents,
        unusable_rows=unusable_rows,
        refused_names=refused_names,
        refused_rows=refused_rows,
    )
