"""The embedded scheduler, for a site without an orchestrator: it wakes, asks what is due, and starts children."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from ml_core.bootstrap import Platform
from ml_core.domain.schedule import next_slot
from ml_core.entrypoints.child import ChildEnd, run_in_child
from ml_core.entrypoints.due import find_due_slot
from ml_core.errors import ConflictError, DatabaseUnavailableError
from ml_core.manifest import TaskSpec, load_manifest
from ml_core.settings import Settings

logger = logging.getLogger(__name__)

RunChild = Callable[..., ChildEnd]


def make_scheduler(
    settings: Settings,
    *,
    kind: type[BaseScheduler] = BlockingScheduler,
    run_child: RunChild = run_in_child,
) -> BaseScheduler:
    """A scheduler with one job a task; jobs live in memory only, what is due is read from the run table."""
    tasks = load_manifest().tasks
    scheduler = kind(
        timezone=UTC,
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(len(tasks))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 6 * 3600},
    )
    for spec in tasks:
        scheduler.add_job(
            run_if_due,
            "interval",
            seconds=settings.scheduler.poll_s,
            id=spec.task_id,
            args=[settings, spec, run_child],
            next_run_time=datetime.now(UTC),
        )
    scheduler.add_listener(_log_error, EVENT_JOB_ERROR)
    return scheduler


def tell_plan(platform: Platform, now: datetime) -> Iterator[str]:
    """When each task runs next, a line a task."""
    for spec in load_manifest().tasks:
        is_due = find_due_slot(platform, spec, now) is not None
        when = "now" if is_due else f"{next_slot(spec.schedule, now):%Y-%m-%d %H:%M}Z"
        after = f", after {' and '.join(spec.depends_on)}" if spec.depends_on else ""
        yield f"{spec.task_id}: {when}, then at {spec.schedule!r} UTC{after}"


def run_if_due(settings: Settings, spec: TaskSpec, run_child: RunChild) -> ChildEnd | None:
    """Start a task's due slot in a child and wait for its end; None where nothing is due."""
    platform = Platform(settings)
    try:
        slot = find_due_slot(platform, spec, datetime.now(UTC))
    except (DatabaseUnavailableError, ConflictError) as exc:
        # Said at every poll: the dead man's alert in Grafana fires where nobody reads this.
        logger.error("%s: %s", spec.task_id, exc)
        return None
    finally:
        platform.close()
    if slot is None:
        return None
    logger.info("%s: slot %s begins", spec.task_id, slot.isoformat())
    end = run_child(spec.task_id, slot=slot, now=None, timeout_s=spec.timeout_s)
    outcome = end.result["outcome"] if end.result else f"no answer, exit code {end.exit_code}"
    logger.info("%s: slot %s ended: %s", spec.task_id, slot.isoformat(), outcome)
    return end


def _log_error(event: JobExecutionEvent) -> None:
    logger.error("%s: the scheduler's job failed", event.job_id, exc_info=event.exception)
