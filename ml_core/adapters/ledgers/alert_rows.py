"""Alerts as rows, written in the transaction of the scoring that raised them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_core.adapters.ledgers.episode_rows import EpisodeIds
from ml_core.domain.scoring.series_scoring import SeriesScoring
from ml_core.sql import load_queries

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

_OF_EPISODE = ("alarms", "peak_score", "peak_value", "peak_at")


def write_alerts(cur: cursor, batch: Sequence[SeriesScoring], episode_ids: EpisodeIds, *, at: datetime) -> None:
    """Append the alerts of a batch."""
    told = [(scoring.before.series_id, alert) for scoring in batch for alert in scoring.alerts]
    if not told:
        return
    values: dict[str, list[Any]] = {
        "episode_id": [episode_ids[series_id, alert.episode.opened_at] for series_id, alert in told],
        "series_id": [series_id for series_id, _ in told],
        "kind": [alert.kind.value for _, alert in told],
        "happened_at": [alert.happened_at for _, alert in told],
        "skipped_reason": [alert.skipped_reason for _, alert in told],
    }
    values |= {name: [getattr(alert.episode, name) for _, alert in told] for name in _OF_EPISODE}
    cur.execute(load_queries("scoring_log")["add_alerts"], values | {"at": at})
