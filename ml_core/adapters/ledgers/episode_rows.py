"""Episodes as rows: those that went on or closed are updated, new ones get their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_core.domain.scoring.episode import Episode
from ml_core.domain.scoring.series_scoring import SeriesScoring
from ml_core.sql import load_queries

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

EPISODE_COLUMNS = (
    "episode_id", "opened_at", "last_alarm_at", "alarms", "quiet_readings", "peak_score", "peak_value", "peak_at",
    "alerted_at", "is_heard", "by_device",
)  # fmt: skip
"""What is kept of an open episode, in the order in which it is loaded."""
EpisodeIds = Mapping[tuple[int, datetime], int]
"""Numbers of stored episodes by series and opening."""


def write_episodes(cur: cursor, batch: Sequence[SeriesScoring]) -> EpisodeIds:
    """Update and insert the episodes of a batch; the numbers of all of them."""
    queries = load_queries("scoring_log")
    told = [(scoring.before.series_id, episode) for scoring in batch for episode in scoring.episodes]
    known = [(series_id, episode) for series_id, episode in told if episode.episode_id is not None]
    opened = [(series_id, episode) for series_id, episode in told if episode.episode_id is None]
    if known:
        # Before the new ones: a series has at most one open episode, by constraint.
        cur.execute(queries["update_episodes"], _columns(known))
    ids = {(series_id, episode.opened_at): episode.episode_id or 0 for series_id, episode in known}
    if opened:
        cur.execute(queries["insert_episodes"], _columns(opened))
        ids |= {(series_id, opened_at): number for series_id, opened_at, number in cur.fetchall()}
    return ids


def _columns(told: Sequence[tuple[int, Episode]]) -> dict[str, list[Any]]:
    names = (*EPISODE_COLUMNS, "closed_at")
    columns: dict[str, list[Any]] = {name: [getattr(episode, name) for _, episode in told] for name in names}
    return columns | {"series_id": [series_id for series_id, _ in told]}
