"""Consecutive anomalies are one episode: one definition for product and evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ml_core.domain.series import to_datetime

if TYPE_CHECKING:
    from ml_core.domain.detector import ScoredReadings

QUIET_READINGS = 10
"""Readings without an alarm after which an episode closes."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """Alarms that belong together, told once; `episode_id` None until it is stored."""

    opened_at: datetime
    last_alarm_at: datetime
    alarms: int
    peak_score: float
    peak_value: float
    peak_at: datetime
    quiet_readings: int = 0
    closed_at: datetime | None = None
    episode_id: int | None = None


def follow_episodes(open_episode: Episode | None, scored: ScoredReadings) -> list[Episode]:
    """Episodes that `scored` opens, continues or closes, in order; at most the last one stays open.

    An episode opens at an alarm and closes after QUIET_READINGS readings in a row without one. The same
    readings in one batch or in many give the same episodes.
    """
    told: list[Episode] = []
    current = open_episode
    for position, alarm in enumerate(scored.is_anomaly.tolist()):
        if current is None and not alarm:
            continue
        at = to_datetime(scored.timestamps[position])
        score, value = float(scored.scores[position]), float(scored.values[position])
        if current is None:
            current = Episode(
                opened_at=at, last_alarm_at=at, alarms=1, peak_score=score, peak_value=value, peak_at=at
            )
        elif alarm:
            current = _continue(current, at, score, value)
        else:
            current = replace(current, quiet_readings=current.quiet_readings + 1)
            if current.quiet_readings >= QUIET_READINGS:
                told.append(replace(current, closed_at=at))
                current = None
    if current is not None and current != open_episode:
        told.append(current)
    return told


def _continue(episode: Episode, at: datetime, score: float, value: float) -> Episode:
    worse = score < episode.peak_score
    return replace(
        episode,
        last_alarm_at=at,
        alarms=episode.alarms + 1,
        quiet_readings=0,
        peak_score=score if worse else episode.peak_score,
        peak_value=value if worse else episode.peak_value,
        peak_at=at if worse else episode.peak_at,
    )
