"""Episodes of devices in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_core.adapters.ledgers.device_rows import alert_rows, device_rows
from ml_core.adapters.ledgers.episode_rows import EPISODE_COLUMNS
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json_rows
from ml_core.domain.devices.device_episode import DeviceEpisode, DeviceKey, Member, StoredDevice
from ml_core.domain.devices.device_evidence import Judgement
from ml_core.domain.scoring.episode import Episode
from ml_core.domain.series import SeriesKey
from ml_core.ports.device_log import DeviceStanding, ScoredMetric
from ml_core.sql import load_queries

if TYPE_CHECKING:
    from psycopg2.extensions import cursor


class PostgresDeviceLog:
    """Tables ml_health.device_episode, and episode and alert_event where they belong to one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("device_log")

    def list_companions(self, series_ids: Sequence[int]) -> Mapping[int, Sequence[SeriesKey]]:
        """Of each of these series, the other scored metrics of its device."""
        found: dict[int, list[SeriesKey]] = {}
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_companions"], {"series_ids": list(series_ids)})
            for series_id, tenant, device, metric in cur.fetchall():
                found.setdefault(series_id, []).append(SeriesKey(device=device, metric=metric, tenant=tenant))
        return found

    def list_metrics(self, devices: Sequence[DeviceKey]) -> Mapping[DeviceKey, Sequence[ScoredMetric]]:
        """The scored metrics of each device, in the order of their names."""
        found: dict[DeviceKey, list[ScoredMetric]] = {device: [] for device in devices}
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_metrics"], _names(devices))
            for tenant, device, metric, interval_s in cur.fetchall():
                key = SeriesKey(device=device, metric=metric, tenant=tenant)
                found[DeviceKey(tenant=tenant, device=device)].append(ScoredMetric(key=key, interval_s=interval_s))
        return found

    def load(self, *, within: timedelta) -> DeviceStanding:
        """Everything that is open or not joined yet."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_unjoined"])
            unjoined = [_member(row) for row in cur.fetchall()]
            cur.execute(self._queries["list_known"], _asked(unjoined, within))
            known = cur.fetchall()
            members = self._list_members(cur, [row[0] for row in known])
        return DeviceStanding(known=[_device(row, members[row[0]]) for row in known], unjoined=unjoined)

    def save(self, devices: Sequence[DeviceEpisode], *, at: datetime) -> None:
        """Write them with their members' places and their alerts, in one transaction."""
        with self._database.transaction() as cur:
            numbers = self._write_devices(cur, devices)
            placed = [
                (member.episode.episode_id, number)
                for device, number in zip(devices, numbers, strict=True)
                for member in device.members
            ]
            cur.execute(
                self._queries["place_members"],
                {"episode_ids": [it for it, _ in placed], "device_episode_ids": [it for _, it in placed]},
            )
            alerts = alert_rows(devices, numbers)
            if alerts:
                cur.execute(self._queries["add_alerts"], {"rows": to_json_rows(alerts), "at": at})

    def _write_devices(self, cur: cursor, devices: Sequence[DeviceEpisode]) -> list[int]:
        rows = list(device_rows(devices))
        known = [row for row in rows if row["id"] is not None]
        opened = [row for row in rows if row["id"] is None]
        if known:
            # Before the new ones: a device has at most one open episode, by constraint.
            cur.execute(self._queries["update"], {"rows": to_json_rows(known)})
        numbers = {row["place"]: row["id"] for row in known}
        if opened:
            cur.execute(self._queries["insert"], {"rows": to_json_rows(opened)})
            numbers |= dict(cur.fetchall())
        return [numbers[place] for place in range(len(devices))]

    def _list_members(self, cur: cursor, ids: Sequence[int]) -> Mapping[int, list[Member]]:
        found: dict[int, list[Member]] = {number: [] for number in ids}
        cur.execute(self._queries["list_members"], {"ids": list(ids)})
        for number, *row in cur.fetchall():
            found[number].append(_member(row))
        return found


def _names(devices: Sequence[DeviceKey]) -> dict[str, list[Any]]:
    return {"tenants": [it.tenant for it in devices], "devices": [it.device for it in devices]}


def _asked(unjoined: Sequence[Member], within: timedelta) -> dict[str, list[Any]]:
    """For each device that has something to join, from when on it might be joined to."""
    since: dict[DeviceKey, datetime] = {}
    for member in unjoined:
        opened_at = member.episode.opened_at
        since[member.device] = min(opened_at, since.get(member.device, opened_at))
    return _names(list(since)) | {"after": [moment - within for moment in since.values()]}


def _member(row: Sequence[Any]) -> Member:
    series_id, tenant, device, metric, closed_at, *columns = row
    known = dict(zip(EPISODE_COLUMNS, columns, strict=True))
    return Member(
        series_id=series_id,
        key=SeriesKey(device=device, metric=metric, tenant=tenant),
        episode=Episode(**known, closed_at=closed_at),
    )


def _device(row: Sequence[Any], members: Sequence[Member]) -> DeviceEpisode:
    number, tenant, device, metrics, last_alarm_at, closed_at, alarms, *judged = row
    judgement, suspect, words, is_settled, told_judgement, alerted_at, is_heard = judged
    return DeviceEpisode(
        device=DeviceKey(tenant=tenant, device=device),
        members=tuple(sorted(members, key=lambda it: it.order)),
        stored=StoredDevice(
            device_episode_id=number,
            metrics=tuple(metrics),
            last_alarm_at=last_alarm_at,
            closed_at=closed_at,
            alarms=alarms,
            judgement=Judgement(judgement),
            suspect=suspect,
            words=words,
            is_settled=is_settled,
        ),
        told_judgement=None if told_judgement is None else Judgement(told_judgement),
        alerted_at=alerted_at,
        is_heard=is_heard,
    )
