"""A site with generated readings on real PostgreSQL, for the tests of discovery and retraining."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extras import Json

from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.bootstrap import Platform
from ml_core.domain.series import FIXED_TENANT, SeriesKey
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import TaskResult
from ml_core.entrypoints.runner import run_task

NOW = datetime(2025, 3, 1, 12, 20, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


def write_readings(
    database: Database, device: str, values: NDArray[np.float64], *, until: datetime, every: timedelta = TEN_MINUTES
) -> None:
    """Readings of DEVICE:flow at even intervals, the last one at `until`."""
    count = len(values)
    rows = [
        (FIXED_TENANT, device, "flow", until - every * (count - 1 - i), float(value)) for i, value in enumerate(values)
    ]
    names = ["tenant_id", "device_id", "metric_name", "timestamp", "value"]
    with database.transaction() as cur:
        copy_rows(cur, sql.Identifier("ml_health", "telemetry"), names, rows)


def healthy(count: int, seed: int = 1) -> NDArray[np.float64]:
    """A first-order autoregression around 50."""
    rng = np.random.default_rng(seed)
    values = np.empty(count)
    level = 0.0
    for i, step in enumerate(rng.normal(size=count)):
        level = 0.7 * level + step
        values[i] = 50.0 + level
    return values


def discover(platform: Platform, now: datetime = NOW, **kwargs: Any) -> TaskResult:
    """Run the task as every way in does."""
    return run_task(platform, "ml_discover", now=now, **kwargs)


def retrain(platform: Platform, now: datetime, **kwargs: Any) -> TaskResult:
    """Run the task as every way in does."""
    return run_task(platform, "ml_retrain", now=now, **kwargs)


def open_finding(
    database: Database, platform: Platform, check: str, *, at: datetime, since: datetime | None = None
) -> None:
    """A finding about PUMP-1 as the health check opens it."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, opened_at,"
            " seen_at, evidence) VALUES (%s, %s, 1, 'critical', 'found', %s, %s, %s)",
            (check, only_record(platform).series_id, at, at, Json({"since": since.isoformat()} if since else {})),
        )


def only_record(platform: Platform, device: str = "PUMP-1") -> SeriesRecord:
    """The one series of a device."""
    (record,) = platform.series.list_series(keys=[SeriesKey(device=device, metric="flow")])
    return record


def events_of(database: Database) -> list[tuple[str, str | None, str | None]]:
    """Events in order: what, why and for what cause."""
    with database.transaction() as cur:
        cur.execute("SELECT event, cause, reason FROM ml_health.model_event ORDER BY id")
        return cur.fetchall()


@contextmanager
def killed_at(database: Database, table: str) -> Iterator[None]:
    """Within the body, whoever writes to a table of ml_health has its session ended by the server at that moment."""
    with database.transaction() as cur:
        cur.execute(
            "CREATE FUNCTION end_writer() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'"
        )
        cur.execute(
            sql.SQL("CREATE TRIGGER end_writer BEFORE INSERT OR UPDATE ON {} EXECUTE FUNCTION end_writer()").format(
                sql.Identifier("ml_health", table)
            )
        )
    try:
        yield
    finally:
        with database.transaction() as cur:
            cur.execute("DROP FUNCTION end_writer CASCADE")
