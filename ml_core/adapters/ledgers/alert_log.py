"""Alerts on their way to people, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.alert import AlertEvent, AlertKind
from ml_core.domain.series import SeriesKey
from ml_core.sql import load_queries


class PostgresAlertLog:
    """Tables ml_health.alert_event and alert_delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("alert_log")

    def list_waiting(self, channel: str, *, written_after: datetime) -> list[AlertEvent]:
        """Events to be told that this channel has not told yet, the oldest first."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_waiting"], {"channel": channel, "written_after": written_after})
            rows = cur.fetchall()
        return [
            AlertEvent(
                event_id=event_id,
                kind=AlertKind(kind),
                key=SeriesKey(device=device, metric=metric, tenant=tenant),
                episode_id=episode_id,
                opened_at=opened_at,
                happened_at=happened_at,
                alarms=alarms,
                peak_score=peak[0],
                peak_value=peak[1],
                peak_at=peak[2],
                written_at=peak[3],
                device=peak[4],
            )
            for event_id, kind, tenant, device, metric, episode_id, opened_at, happened_at, alarms, *peak in rows
        ]

    def mark_delivered(self, channel: str, events: Sequence[AlertEvent], *, at: datetime) -> None:
        """Commit that a channel has told them."""
        values = {"channel": channel, "at": at, "event_ids": [event.event_id for event in events]}
        with self._database.transaction() as cur:
            cur.execute(self._queries["mark_delivered"], values)
