"""Consecutive anomalies are one episode: one definition for product and evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.series import to_datetime

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.detectors.scored_readings import ScoredReadings

QUIET_READINGS = 10
"""Quiet readings in a row after which an episode closes: without an alarm, and not over half the threshold."""


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
    alerted_at: datetime | None = None
    """The alarm up to which alerts were written."""
    is_heard: bool = False
    """Whether anybody was told that it opened."""
    by_device: bool = False
    """Whether it is told with those of its device's other metrics, and not by itself."""


def follow_episodes(open_episode: Episode | None, scored: ScoredReadings) -> list[Episode]:
    """Episodes that `scored` opens, continues or closes, in order; at most the last one stays open.

    An episode opens at an alarm and lives while alarms come, or the detector's statistic stays over half of its
    threshold; it closes after QUIET_READINGS readings in a row without either. The same readings in one batch or
    in many give the same episodes.
    """
    told: list[Episode] = []
    current, seen = open_episode, 0
    is_alarm = scored.is_anomaly
    is_loud = is_alarm if scored.holds is None else is_alarm | scored.holds
    for position in [*np.flatnonzero(is_loud).tolist(), len(scored)]:
        if current is not None and position > seen:
            current = _stay_quiet(current, scored.timestamps[seen:position])
            if current.closed_at is not None:
                told.append(current)
                current = None
        if position < len(scored) and is_alarm[position]:
            at = to_datetime(scored.timestamps[position])
            current = _alarm(current, at, float(scored.scores[position]), float(scored.values[position]))
        elif position < len(scored) and current is not None:
            current = replace(current, quiet_readings=0)
        seen = position + 1
    if current is not None and current != open_episode:
        told.append(current)
    return told


def count_alarms(open_episode: Episode | None, told: Sequence[Episode]) -> list[int]:
    """How many alarms of the batch behind `told` belong to each of its episodes, in order."""
    counts = [episode.alarms for episode in told]
    if open_episode is not None and counts:
        counts[0] -= open_episode.alarms
    return counts


def _alarm(episode: Episode | None, at: datetime, score: float, value: float) -> Episode:
    if episode is None:
        return Episode(opened_at=at, last_alarm_at=at, alarms=1, peak_score=score, peak_value=value, peak_at=at)
    worse = score < episode.peak_score
    return replace(
        episode,
        # A late reading may lie before what the episode has seen.
        opened_at=min(at, episode.opened_at),
        last_alarm_at=max(at, episode.last_alarm_at),
        alarms=episode.alarms + 1,
        quiet_readings=0,
        peak_score=score if worse else episode.peak_score,
        peak_value=value if worse else episode.peak_value,
        peak_at=at if worse else episode.peak_at,
    )


def _stay_quiet(episode: Episode, instants: NDArray[np.datetime64]) -> Episode:
    """The episode after quiet readings, closed by the one that makes it QUIET_READINGS."""
    left = QUIET_READINGS - episode.quiet_readings
    if len(instants) < left:
        return replace(episode, quiet_readings=episode.quiet_readings + len(instants))
    closed_at = max(to_datetime(instants[left - 1]), episode.last_alarm_at)
    return replace(episode, quiet_readings=QUIET_READINGS, closed_at=closed_at)
