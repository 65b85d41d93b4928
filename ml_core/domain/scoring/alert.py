"""What people are told of episodes: once at the opening, now and then while they last, once at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ml_core.domain.scoring.episode import Episode
from ml_core.domain.scoring.series_scoring import SeriesScoring
from ml_core.domain.series import SeriesKey

Spared = Callable[[datetime], str | None]
"""Why nobody is told of an alarm at that moment, or None."""


class AlertKind(StrEnum):
    """What there is to tell."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something to tell of an episode as it stands; the episode is named by its opening until it is stored."""

    kind: AlertKind
    episode: Episode
    happened_at: datetime
    """When the reading was taken that it is told for."""
    skipped_reason: str | None = None
    """Why nobody is told; it is kept all the same."""


@dataclass(frozen=True, kw_only=True)
class AlertEvent:
    """A stored alert, as channels send it."""

    event_id: int
    kind: AlertKind
    key: SeriesKey
    episode_id: int
    opened_at: datetime
    happened_at: datetime
    alarms: int
    peak_score: float
    peak_value: float
    peak_at: datetime
    written_at: datetime
    device: Mapping[str, Any] | None = None
    """Where it is told with other metrics of its device: which those are, and what they say together."""

    def to_json(self) -> dict[str, Any]:
        """The form in which it leaves the program; `id` is the same if it should be sent twice."""
        return {
            "id": self.event_id,
            "event": self.kind.value,
            "tenant": str(self.key.tenant),
            "device": self.key.device,
            "metric": self.key.metric,
            "episode": self.episode_id,
            "opened_at": self.opened_at.isoformat(),
            "at": self.happened_at.isoformat(),
            "alarms": self.alarms,
            "peak": {"value": self.peak_value, "score": self.peak_score, "at": self.peak_at.isoformat()},
            "written_at": self.written_at.isoformat(),
            **({} if self.device is None else {"device_episode": dict(self.device)}),
        }


def raise_alerts(scoring: SeriesScoring, spared: Spared, *, update_every: timedelta) -> SeriesScoring:
    """The scoring with its alerts, its episodes and the open one marked with what was told of them."""
    if not scoring.episodes:
        return scoring
    told: list[Episode] = []
    alerts: list[Alert] = []
    for episode in scoring.episodes:
        if episode.by_device:
            told.append(episode)
            continue
        marked, raised = tell_episode(episode, spared, update_every=update_every)
        told.append(marked)
        alerts.extend(raised)
    is_open = told[-1].closed_at is None
    after = replace(scoring.after, open_episode=told[-1] if is_open else None)
    return replace(scoring, episodes=told, alerts=alerts, after=after)


def leave_to_device(scoring: SeriesScoring) -> SeriesScoring:
    """The scoring with the episodes that it opens marked to be told with those of the device's other metrics."""
    told = [replace(episode, by_device=True) if episode.episode_id is None else episode for episode in scoring.episodes]
    is_open = bool(told) and told[-1].closed_at is None
    after = replace(scoring.after, open_episode=told[-1]) if is_open else scoring.after
    return replace(scoring, episodes=told, after=after)


def tell_episode(episode: Episode, spared: Spared, *, update_every: timedelta) -> tuple[Episode, list[Alert]]:
    """What there is to tell of an episode that changed, and the episode with that noted.

    The opening is told at once, or with the first alarm after it for which nobody is spared. Later alarms are told
    where the last word is `update_every` ago. The end is told to those who heard of the opening.
    """
    alerts: list[Alert] = []
    if episode.alerted_at is None:
        episode = _write(episode, AlertKind.OPENED, episode.opened_at, spared(episode.opened_at), alerts)
    if episode.alerted_at is not None and episode.last_alarm_at > episode.alerted_at:
        reason = spared(episode.last_alarm_at)
        is_due = episode.last_alarm_at - episode.alerted_at >= update_every
        if not episode.is_heard and reason is None:
            episode = _write(episode, AlertKind.OPENED, episode.last_alarm_at, None, alerts)
        elif is_due:
            episode = _write(episode, AlertKind.UPDATED, episode.last_alarm_at, reason, alerts)
    if episode.closed_at is not None:
        reason = spared(episode.closed_at) if episode.is_heard else "nobody was told that it opened"
        episode = _write(episode, AlertKind.CLOSED, episode.closed_at, reason, alerts)
    return episode, alerts


def _write(episode: Episode, kind: AlertKind, at: datetime, reason: str | None, alerts: list[Alert]) -> Episode:
    alerts.append(Alert(kind=kind, episode=episode, happened_at=at, skipped_reason=reason))
    return replace(episode, alerted_at=at, is_heard=episode.is_heard or reason is None)
