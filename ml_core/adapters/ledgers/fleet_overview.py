"""Reads how the fleet is from PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.ports.fleet_overview import FleetOverview
from ml_core.sql import load_queries


class PostgresFleetReader:
    """A few aggregate queries in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("fleet_overview")

    def read(self, *, now: datetime) -> FleetOverview:
        """The fleet at `now`; scoring figures cover the 24 hours before."""
        times = {"now": now, "since": now - timedelta(hours=24)}
        with self._database.transaction() as cur:
            rows = {name: self._fetch(cur, name, times) for name in self._queries}
        by_state: dict[str, int] = {}
        for state, _, count in rows["series"]:
            by_state[state] = by_state.get(state, 0) + count
        devices, muted, oldest, next_trainable, watermark, open_episodes, incidents = rows["facts"][0]
        scored, anomalies, expected = rows["activity"][0]
        calls = tuple(count for _, count in rows["latency"])
        return FleetOverview(
            series_by_state=by_state,
            series_by_health={health: count for _, health, count in rows["series"] if health},
            devices=devices,
            muted=muted,
            oldest_active_trained_at=oldest,
            next_trainable_at=next_trainable,
            newest_watermark=watermark,
            readings_scored=scored,
            anomalies=anomalies,
            open_episodes=open_episodes,
            latency_buckets=calls if any(calls) else None,
            expected_alarms=expected,
            findings_by_severity=dict(rows["findings"]),
            top_findings=tuple(text for (text,) in rows["top_findings"]),
            open_incidents=incidents,
            outbox_by_status=dict(rows["outbox"]),
            latest_runs={task: (slot, outcome) for task, slot, outcome in rows["runs"]},
        )

    def _fetch(self, cur: cursor, name: str, times: dict[str, datetime]) -> list[tuple[Any, ...]]:
        cur.execute(self._queries[name], times)
        return cur.fetchall()
