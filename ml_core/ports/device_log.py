"""Episodes of devices: overlapping episodes of a device's metrics, told and judged as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ml_core.domain.devices.device_episode import DeviceEpisode, DeviceKey, Member
from ml_core.domain.series import SeriesKey


@dataclass(frozen=True, kw_only=True)
class ScoredMetric:
    """A metric of a device that is scored, and how often it reads, where its model knows."""

    key: SeriesKey
    interval_s: float | None


@dataclass(frozen=True, kw_only=True)
class DeviceStanding:
    """What there is to follow."""

    known: Sequence[DeviceEpisode]
    """Those that are open, and those that closed late enough for an unjoined episode to belong to them."""
    unjoined: Sequence[Member]
    """Episodes that are to be told with their device's and belong to none yet."""


class DeviceLog(Protocol):
    """Tables ml_health.device_episode, and episode and alert_event where they belong to one."""

    def list_companions(self, series_ids: Sequence[int]) -> Mapping[int, Sequence[SeriesKey]]:
        """Of each of these series, the other scored metrics of its device."""
        ...

    def list_metrics(self, devices: Sequence[DeviceKey]) -> Mapping[DeviceKey, Sequence[ScoredMetric]]:
        """The scored metrics of each device, in the order of their names."""
        ...

    def load(self, *, within: timedelta) -> DeviceStanding:
        """Everything that is open or not joined yet."""
        ...

    def save(self, devices: Sequence[DeviceEpisode], *, at: datetime) -> None:
        """Write them with their members' places and their alerts, in one transaction."""
        ...
