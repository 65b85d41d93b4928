"""Slots: the scheduled moments that runs stand for, always in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from ml_core.errors import ConfigurationError


def check_schedule(schedule: str, field: str) -> str:
    """Return a five-field cron expression if it is one, else raise ConfigurationError naming `field`."""
    try:
        CronSim(schedule, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as exc:
        raise ConfigurationError(f"{field} {schedule!r} is no cron expression of five fields: {exc}") from exc
    return schedule


def latest_slot(schedule: str, now: datetime) -> datetime:
    """The latest moment of a cron schedule (UTC) at or before `now`."""
    # Looking back starts a minute ahead, because the iterator leaves out its own starting minute.
    ahead = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    slot: datetime = next(CronSim(schedule, ahead, reverse=True))
    return slot


def next_slot(schedule: str, now: datetime) -> datetime:
    """The next moment of a cron schedule (UTC) after `now`."""
    slot: datetime = next(CronSim(schedule, now.astimezone(UTC)))
    return slot
