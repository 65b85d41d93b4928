"""What happens in the demo: which devices there are, and what is done to which copy of a real series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ml_core.domain.series import Readings, SeriesKey, to_instant
from ml_core.entrypoints.demo.sources import load_occupancy, load_water_flow

STEP = timedelta(hours=6)
DAYS = 9
OLD_DAYS = 10.0
STUCK_DAYS = 3.2
UNIT_CHANGE_DAYS = 4.5
DAMAGE_DAYS = 3.0
LITRES_PER_SECOND_TO_CUBIC_METRES_PER_HOUR = 3.6


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something done to a device on purpose, and the check that ought to find it."""

    words: str
    check: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class DemoSeries:
    """One series of the demo: real readings, perhaps with a fault put into a copy."""

    key: SeriesKey
    readings: Readings
    connected_at: datetime
    """When its device is connected and its history so far is loaded."""
    fault: Fault | None = None


def tell_story(end: datetime) -> list[DemoSeries]:
    """Ten series: the branch as it was measured, four copies with a fault each, and a room as it was measured."""
    flow = load_water_flow(end)
    begin = end - timedelta(days=DAYS)
    stuck = Fault(words="its sensor sticks at one value", check="flatline", since=end - timedelta(days=STUCK_DAYS))
    unit = Fault(
        words="its gateway begins to send m3/h instead of l/s",
        check="unit_change",
        since=end - timedelta(days=UNIT_CHANGE_DAYS),
    )
    damage = Fault(
        words="one byte of its model's file is flipped",
        check="artifact",
        since=end - timedelta(days=DAMAGE_DAYS),
    )
    old = Fault(
        words=f"its model was made {OLD_DAYS:.0f} days before the orchestrator came",
        check="age",
        since=begin - timedelta(days=OLD_DAYS),
    )
    story = [
        _flow("branch-1", flow, begin, None),
        _flow("branch-2", _stick(flow, stuck.since), begin, stuck),
        _flow("branch-3", _rescale(flow, unit.since), begin, unit),
        _flow("branch-4", flow, begin, damage),
        _flow("branch-5", flow, old.since, old),
    ]
    room = load_occupancy(end)
    return story + [
        DemoSeries(key=SeriesKey(device="room-1", metric=metric), readings=readings, connected_at=begin)
        for metric, readings in room.items()
    ]


def _flow(device: str, readings: Readings, connected_at: datetime, fault: Fault | None) -> DemoSeries:
    key = SeriesKey(device=device, metric="flow")
    return DemoSeries(key=key, readings=readings, connected_at=connected_at, fault=fault)


def _stick(readings: Readings, since: datetime) -> Readings:
    first = int(np.searchsorted(readings.timestamps, to_instant(since)))
    values = readings.values.copy()
    values[first:] = values[first - 1]
    return Readings(timestamps=readings.timestamps, values=values)


def _rescale(readings: Readings, since: datetime) -> Readings:
    changed = readings.timestamps >= to_instant(since)
    factor = np.where(changed, LITRES_PER_SECOND_TO_CUBIC_METRES_PER_HOUR, 1.0)
    return Readings(timestamps=readings.timestamps, values=readings.values * factor)
