"""Which slot of a task is due now: decided from what has run, never from what a scheduler remembers."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from ml_core.domain.schedule import latest_slot
from ml_core.domain.task import Outcome


def jitter_of(task: str, site: str, jitter_s: int) -> timedelta:
    """The fixed delay of a task at a site, so that many sites do not call at one moment."""
    if jitter_s <= 0:
        return timedelta(0)
    digest = hashlib.sha256(f"{site}|{task}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:4], "big") % jitter_s)


def due_slot(
    schedule: str,
    now: datetime,
    *,
    jitter: timedelta,
    outcome: Outcome | None,
    attempt: int,
    last_change: datetime | None,
    retries: int,
    backoff_s: int,
) -> datetime | None:
    """The latest slot where it is to be run now, else None.

    `outcome`, `attempt` and `last_change` describe the run of that slot, None where there is none. Only the
    latest slot counts, so that any downtime is made up by exactly one run. A run that is `running` may be one
    whose process died: it is taken over after the same wait as one that failed, if its lock is free by then.
    """
    slot = latest_slot(schedule, now)
    if now < slot + jitter:
        return None
    if outcome is None:
        return slot
    if not outcome.reopens or attempt > retries:
        return None
    if last_change is None:
        return slot
    wait = timedelta(seconds=backoff_s * 2 ** (attempt - 1))
    return slot if now >= last_change + wait else None
