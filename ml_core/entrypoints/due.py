"""What is due: the manifest held against the run table."""

from __future__ import annotations

import socket
from datetime import datetime

from ml_core.bootstrap import Platform
from ml_core.domain.due import due_slot, jitter_of
from ml_core.domain.schedule import latest_slot
from ml_core.domain.task import Outcome
from ml_core.manifest import TaskSpec, load_manifest


def find_due_slot(platform: Platform, spec: TaskSpec, now: datetime, *, jitter: bool = True) -> datetime | None:
    """The slot of a task that is to be run now: its own is due and those it depends on are not waiting."""
    slot = _own_slot(platform, spec, now, jitter=jitter)
    if slot is None:
        return None
    manifest = load_manifest()
    waiting = any(_is_unfinished(platform, manifest.task(name), now) for name in spec.depends_on)
    return None if waiting else slot


def _is_unfinished(platform: Platform, spec: TaskSpec, now: datetime) -> bool:
    """Whether a task is under way, or to be run before those that depend on it."""
    run = platform.runs.find(spec.task_id, latest_slot(spec.schedule, now))
    is_under_way = run is not None and run.outcome is Outcome.RUNNING and run.attempt <= spec.retries
    return is_under_way or _own_slot(platform, spec, now, jitter=False) is not None


def _own_slot(platform: Platform, spec: TaskSpec, now: datetime, *, jitter: bool) -> datetime | None:
    run = platform.runs.find(spec.task_id, latest_slot(spec.schedule, now))
    return due_slot(
        spec.schedule,
        now,
        jitter=jitter_of(spec.task_id, socket.gethostname(), spec.jitter_s if jitter else 0),
        outcome=None if run is None else run.outcome,
        attempt=0 if run is None else run.attempt,
        last_change=None if run is None else run.finished_at or run.started_at,
        retries=spec.retries,
        backoff_s=spec.backoff_s,
    )
