"""Scoring's states, detections, episodes and rollups in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from ml_core.adapters.ledgers.alert_rows import write_alerts
from ml_core.adapters.ledgers.detection_rows import detection_months, write_detections
from ml_core.adapters.ledgers.episode_rows import EPISODE_COLUMNS, write_episodes
from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.episode import Episode
from ml_core.domain.scoring.scoring_state import ScoringState
from ml_core.domain.scoring.series_scoring import SeriesScoring
from ml_core.sql import load_queries

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg2.extensions import cursor


class PostgresScoringLog:
    """Tables ml_health.detector_state, episode, alert_event, activity_hourly and public.anomaly_detections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("scoring_log")

    def begin(self, series_id: int, model_id: UUID, *, watermark: datetime, at: datetime) -> None:
        """Start the scoring of a series, or empty its state under another model; its own watermark stays."""
        values = {"series_id": series_id, "model_id": model_id, "watermark": watermark, "at": at}
        with self._database.transaction() as cur:
            cur.execute(self._queries["begin"], values)

    def load(self, series_ids: Sequence[int]) -> Mapping[int, ScoringState]:
        """The states of those series that have one."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["load"], {"series_ids": list(series_ids)})
            return {row[0]: _state(row) for row in cur.fetchall()}

    def commit(self, batch: Sequence[SeriesScoring], *, at: datetime, log_normal: bool) -> frozenset[int]:
        """Write a batch in one transaction, but nothing of the series whose state moved meanwhile: those are told."""
        with self._database.transaction() as cur:
            unmoved = self._lock_unmoved(cur, batch)
            moved = frozenset(scoring.before.series_id for scoring in batch) - unmoved
            batch = [scoring for scoring in batch if scoring.before.series_id in unmoved]
            if not batch:
                return moved
            cur.execute(self._queries["ensure_partitions"], {"months": detection_months(batch, log_normal=log_normal)})
            episode_ids = write_episodes(cur, batch)
            write_detections(cur, batch, episode_ids, at=at, log_normal=log_normal)
            write_alerts(cur, batch, episode_ids, at=at)
            self._save_states(cur, batch, at)
            # Last, as other batches may wait for the same hours of the fleet until this one is committed.
            self._add_activity(cur, batch)
        return moved

    def _lock_unmoved(self, cur: cursor, batch: Sequence[SeriesScoring]) -> set[int]:
        before = [scoring.before for scoring in batch]
        values = {
            "series_ids": [state.series_id for state in before],
            "model_ids": [state.model_id for state in before],
            "watermarks": [state.watermark for state in before],
            "revisions": [state.revision for state in before],
        }
        cur.execute(self._queries["lock_unmoved"], values)
        return {row[0] for row in cur.fetchall()}

    def _add_activity(self, cur: cursor, batch: Sequence[SeriesScoring]) -> None:
        told = [(scoring.after, hour) for scoring in batch for hour in scoring.activity]
        counts = ("hour", "scored", "anomalies", "episodes", "late", "dropped", "out_of_range", "calls")
        values: dict[str, list[Any]] = {name: [getattr(hour, name) for _, hour in told] for name in counts}
        values["series_id"] = [state.series_id for state, _ in told]
        values["model_id"] = [state.model_id for state, _ in told]
        values["latency_ms_sum"] = [hour.latency_ms or 0.0 for _, hour in told]
        # Arrays of unequal rows cannot be unnested, so each goes as the text of an array.
        values["latency_buckets"] = [_array_text(map(str, hour.latency_buckets)) for _, hour in told]
        cur.execute(self._queries["add_activity"], values)
        cur.execute(self._queries["add_fleet_activity"], values)

    def _save_states(self, cur: cursor, batch: Sequence[SeriesScoring], at: datetime) -> None:
        after = [scoring.after for scoring in batch]
        values = {
            "series_ids": [state.series_id for state in after],
            "model_ids": [state.model_id for state in after],
            "states": [state.state for state in after],
            "watermarks": [state.watermark for state in after],
            "recents": [_instants_text(state.recent) for state in after],
            "at": at,
        }
        cur.execute(self._queries["save_states"], values)
        used = [scoring.after.model_id for scoring in batch if len(scoring.scored)]
        cur.execute(self._queries["touch_models"], {"model_ids": sorted(used), "at": at})


def _state(row: tuple[Any, ...]) -> ScoringState:
    series_id, model_id, state, scored_from, watermark, revision, recent, *episode = row
    opened = dict(zip(EPISODE_COLUMNS, episode, strict=True))
    return ScoringState(
        series_id=series_id,
        model_id=model_id,
        state=bytes(state),
        scored_from=scored_from,
        watermark=watermark,
        revision=revision,
        recent=np.array(recent, dtype=np.int64).astype("datetime64[us]"),
        open_episode=None if opened["episode_id"] is None else Episode(**opened),
    )


def _instants_text(instants: NDArray[np.datetime64]) -> str:
    return _array_text(f"{text}Z" for text in np.datetime_as_string(instants, unit="us").tolist())


def _array_text(items: Iterable[str]) -> str:
    return "{" + ",".join(items) + "}"
