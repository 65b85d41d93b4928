"""Overlapping episodes of a device's metrics are one: what joins it, and what people are told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from uuid import UUID

from ml_core.domain.devices.device_evidence import DeviceEvidence, Judgement
from ml_core.domain.devices.device_words import tell_device
from ml_core.domain.scoring.alert import Alert, AlertKind, Spared, tell_episode
from ml_core.domain.scoring.episode import Episode
from ml_core.domain.series import SeriesKey

UNSETTLED_FOR = timedelta(days=1)
"""How long after its opening a device whose evidence is not complete is looked at again at every run."""
NOT_JUDGED = "it could not be judged what the device's other metrics say"


@dataclass(frozen=True, kw_only=True, order=True)
class DeviceKey:
    """Names a device of a tenant."""

    tenant: UUID
    device: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """A stored episode of one metric."""

    series_id: int
    key: SeriesKey
    episode: Episode

    @property
    def device(self) -> DeviceKey:
        """Whose metric it is."""
        return DeviceKey(tenant=self.key.tenant, device=self.key.device)

    @property
    def order(self) -> tuple[datetime, str]:
        """Members stand in the order in which they began."""
        return (self.episode.opened_at, self.key.metric)


@dataclass(frozen=True, kw_only=True)
class StoredDevice:
    """What is kept of a device's episode beside its members."""

    device_episode_id: int | None = None
    metrics: tuple[str, ...] = ()
    last_alarm_at: datetime | None = None
    closed_at: datetime | None = None
    alarms: int = 0
    judgement: Judgement = Judgement.UNKNOWN
    suspect: str | None = None
    words: str = NOT_JUDGED
    is_settled: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceEpisode:
    """Episodes of one device that are told together; `stored` is how it stood before."""

    device: DeviceKey
    members: tuple[Member, ...]
    """In the order in which they began, at least one."""
    stored: StoredDevice = StoredDevice()
    evidence: DeviceEvidence | None = None
    """What was judged now; None where nothing was."""
    alerts: tuple[Alert, ...] = ()
    told_judgement: Judgement | None = None
    """What people were told last."""
    alerted_at: datetime | None = None
    is_heard: bool = False

    @property
    def opened_at(self) -> datetime:
        """When the first of them opened."""
        return self.members[0].episode.opened_at

    @cached_property
    def closed_at(self) -> datetime | None:
        """When the last of them closed; None while one is open."""
        ends = [member.episode.closed_at for member in self.members]
        return None if None in ends else max(end for end in ends if end is not None)

    @property
    def last_alarm_at(self) -> datetime:
        """The newest alarm."""
        return max(member.episode.last_alarm_at for member in self.members)

    @property
    def alarms(self) -> int:
        """Alarms of all metrics together."""
        return sum(member.episode.alarms for member in self.members)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics, in the order in which they began."""
        return tuple(dict.fromkeys(member.key.metric for member in self.members))

    @property
    def first_alarms(self) -> Mapping[str, datetime]:
        """Of each metric, the opening of its first episode."""
        return {member.key.metric: member.episode.opened_at for member in reversed(self.members)}

    @property
    def judgement(self) -> Judgement:
        """The newest one."""
        return self.stored.judgement if self.evidence is None else self.evidence.judgement

    @property
    def words(self) -> str:
        """The newest judgement in a sentence."""
        return self.stored.words if self.evidence is None else tell_device(self.evidence)

    @property
    def suspect(self) -> str | None:
        """The metric whose sensor is suspected."""
        return self.stored.suspect if self.evidence is None else self.evidence.suspect

    @property
    def is_settled(self) -> bool:
        """Whether the newest judgement knew everything that came with the onset."""
        return self.stored.is_settled if self.evidence is None else self.evidence.is_settled

    @property
    def is_changed(self) -> bool:
        """Whether anything of it differs from what is stored."""
        stored = self.stored
        return (stored.metrics, stored.last_alarm_at, stored.closed_at, stored.alarms) != (
            self.metrics, self.last_alarm_at, self.closed_at, self.alarms,
        )  # fmt: skip

    def wants_judgement(self, now: datetime) -> bool:
        """Whether there is more to judge from than there was: a new metric, or readings before it was settled."""
        if self.metrics != self.stored.metrics:
            return True
        just_closed = self.closed_at is not None and self.stored.closed_at is None
        return not self.stored.is_settled and (just_closed or now - self.opened_at < UNSETTLED_FOR)

    def to_news(self) -> dict[str, Any]:
        """What an alert says of it."""
        return {
            "metrics": list(self.metrics),
            "judgement": self.judgement.value,
            "suspect": self.suspect,
            "words": self.words,
        }


def join_episodes(
    known: Sequence[DeviceEpisode], unjoined: Iterable[Member], *, within: timedelta
) -> list[DeviceEpisode]:
    """The known episodes of devices with what overlaps them, and new ones of what overlaps none, each device's apart.

    An episode joins where it lies at most `within` from the device's: metrics that read seldom come later. The open
    one comes first, so that a device has at most one; the order in which episodes are found makes no difference.
    """
    found = list(known)
    for _, of_device in groupby(sorted(unjoined, key=lambda it: (it.device, it.order)), key=lambda it: it.device):
        for member in of_device:
            near = [it for it in found if it.device == member.device and _touches(it, member, within)]
            if not near:
                found.append(DeviceEpisode(device=member.device, members=(member,)))
                continue
            chosen = max(near, key=lambda it: (it.closed_at is None, it.opened_at))
            members = tuple(sorted((*chosen.members, member), key=lambda it: it.order))
            found[found.index(chosen)] = replace(chosen, members=members)
    return found


def _touches(device: DeviceEpisode, member: Member, within: timedelta) -> bool:
    begins_before_end = device.closed_at is None or member.episode.opened_at <= device.closed_at + within
    ends_after_begin = member.episode.closed_at is None or device.opened_at <= member.episode.closed_at + within
    return begins_before_end and ends_after_begin


def tell_together(
    device: DeviceEpisode, spared: Callable[[SeriesKey, datetime], str | None], *, update_every: timedelta
) -> DeviceEpisode:
    """The device's episode with what there is to tell of it now, and with that noted.

    As of an episode, and once more where a metric joins, or where what was judged turns out otherwise. Nobody is
    told where every metric that is in it is spared.
    """
    if device.closed_at is not None and device.closed_at == device.stored.closed_at:
        return device
    is_spared = _spared_everywhere(device, spared)
    told, alerts = tell_episode(_as_one(device), is_spared, update_every=update_every)
    if not alerts and told.is_heard and _is_news(device):
        at = device.last_alarm_at
        alerts = [Alert(kind=AlertKind.UPDATED, episode=told, happened_at=at, skipped_reason=is_spared(at))]
        told = replace(told, alerted_at=max(at, told.alerted_at or at))
    is_told = any(alert.skipped_reason is None for alert in alerts)
    return replace(
        device,
        alerts=tuple(alerts),
        alerted_at=told.alerted_at,
        is_heard=told.is_heard,
        told_judgement=device.judgement if is_told else device.told_judgement,
    )


def _is_news(device: DeviceEpisode) -> bool:
    """Whether those who heard of it do not know something yet: a metric, that it goes on after all, a judgement."""
    goes_on_again = device.stored.closed_at is not None and device.closed_at is None
    if goes_on_again or device.metrics != device.stored.metrics:
        return True
    is_certain = device.is_settled and device.judgement is not Judgement.UNKNOWN
    return is_certain and device.judgement is not device.told_judgement


def _spared_everywhere(device: DeviceEpisode, spared: Callable[[SeriesKey, datetime], str | None]) -> Spared:
    keys = sorted({member.key for member in device.members})

    def ask(at: datetime) -> str | None:
        reasons = [spared(key, at) for key in keys]
        return None if None in reasons else reasons[0]

    return ask


def _as_one(device: DeviceEpisode) -> Episode:
    """An episode over all of them, with the peak of the metric that began."""
    first = device.members[0].episode
    return replace(
        first,
        last_alarm_at=device.last_alarm_at,
        alarms=device.alarms,
        closed_at=device.closed_at,
        alerted_at=device.alerted_at,
        is_heard=device.is_heard,
    )
