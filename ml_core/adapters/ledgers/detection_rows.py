"""Scored readings as rows of the platform's anomaly log, by COPY."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from ml_core.adapters.ledgers.episode_rows import EpisodeIds
from ml_core.adapters.postgres.database import copy_rows
from ml_core.domain.scoring.episode import count_alarms
from ml_core.domain.scoring.series_scoring import SeriesScoring

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg2.extensions import cursor

TABLE = sql.Identifier("public", "anomaly_detections")
COLUMNS = (
    "tenant_id", "device_id", "metric_name", "series_id", "model_id", "timestamp", "value", "anomaly_score",
    "frozen_score", "is_anomaly", "confidence", "severity", "band_low", "band_high", "episode_id", "metadata",
    "detected_at",
)  # fmt: skip


def detection_months(batch: Sequence[SeriesScoring], *, log_normal: bool) -> list[datetime]:
    """The months that detections of this batch fall into, each by its first moment."""
    instants = [scoring.scored.timestamps[_logged(scoring, log_normal)] for scoring in batch]
    months: list[datetime] = np.unique(np.concatenate(instants).astype("datetime64[M]")).astype(object).tolist()
    return [datetime(month.year, month.month, 1, tzinfo=UTC) for month in months]


def write_detections(
    cur: cursor, batch: Sequence[SeriesScoring], episode_ids: EpisodeIds, *, at: datetime, log_normal: bool
) -> None:
    """Append the anomalies of a batch, and with `log_normal` the normal readings too."""
    rows = (row for scoring in batch for row in _rows(scoring, episode_ids, at=at, log_normal=log_normal))
    copy_rows(cur, TABLE, COLUMNS, rows)


def _logged(scoring: SeriesScoring, log_normal: bool) -> NDArray[np.bool_]:
    return np.ones(len(scoring.scored), dtype=bool) if log_normal else scoring.scored.is_anomaly


def _rows(
    scoring: SeriesScoring, episode_ids: EpisodeIds, *, at: datetime, log_normal: bool
) -> Iterator[tuple[Any, ...]]:
    scored, key = scoring.scored, scoring.key
    is_anomaly = scored.is_anomaly
    series_id, model_id = scoring.after.series_id, scoring.after.model_id
    ids = _ids_of_alarms(scoring, episode_ids)
    for i in np.flatnonzero(_logged(scoring, log_normal)).tolist():
        alarm = bool(is_anomaly[i])
        yield (
            key.tenant,
            key.device,
            key.metric,
            series_id,
            model_id,
            scored.timestamps[i],
            float(scored.values[i]),
            float(scored.scores[i]),
            None if scoring.frozen_scores is None else float(scoring.frozen_scores[i]),
            alarm,
            float(scored.confidences[i]),
            float(scored.severities[i]),
            _finite(scored.band_low[i]),
            _finite(scored.band_high[i]),
            next(ids) if alarm else None,
            dict(scored.reasons.get(i, {})),
            at,
        )


def _ids_of_alarms(scoring: SeriesScoring, episode_ids: EpisodeIds) -> Iterator[int]:
    counts = count_alarms(scoring.before.open_episode, scoring.episodes)
    for episode, alarms in zip(scoring.episodes, counts, strict=True):
        for _ in range(alarms):
            yield episode_ids[scoring.before.series_id, episode.opened_at]


def _finite(edge: float) -> float | None:
    return float(edge) if math.isfinite(edge) else None
