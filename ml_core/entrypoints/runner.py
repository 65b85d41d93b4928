"""The one code path behind every way in: manifest, parameters, slot, run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, cast

from ml_core.bootstrap import Platform, TaskContext
from ml_core.domain.schedule import latest_slot
from ml_core.domain.task import TaskReport, TaskResult
from ml_core.errors import ConfigurationError
from ml_core.manifest import TaskSpec, load_manifest
from ml_core.services.runs import Progress, RunRecorder, RunRequest, execute_run


def run_task(
    platform: Platform,
    task_id: str,
    *,
    now: datetime,
    slot: datetime | None = None,
    params: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress = lambda what, done, total: None,
) -> TaskResult:
    """Run one slot of one task (None: the latest) and answer what happened.

    Raises UnknownTaskError or UnknownParameterError before any work, DatabaseUnavailableError where there
    is no store to record anything in.
    """
    spec = load_manifest().task(task_id)
    checked = spec.check_params(params or {})
    # Less than a minute ahead is how several runs of one moment are told apart.
    if slot is not None and slot - now >= timedelta(minutes=1):
        raise ConfigurationError(f"slot {slot.isoformat()} is yet to come; it is {now.isoformat()}")
    request = RunRequest(
        task=task_id,
        slot=slot or _choose_slot(spec, checked, now),
        now=now,
        max_attempts=spec.retries + 1,
        params=checked,
        dry_run=dry_run,
    )

    def body(recorder: RunRecorder) -> TaskReport:
        context = TaskContext(platform=platform, now=now, slot=request.slot, run=recorder, dry_run=dry_run)
        # Loaded within the run, so that a task that cannot even be imported is a failed run, not a lost one.
        return load_task(spec)(context, **checked)

    return execute_run(
        request,
        body,
        ledger=platform.runs,
        lock=platform.task_lock(task_id),
        should_stop=should_stop,
        progress=progress,
        secrets=platform.settings.secrets,
    )


def _choose_slot(spec: TaskSpec, params: Mapping[str, Any], now: datetime) -> datetime:
    """The latest of the schedule; a run of one series is a slot of its own, so that the fleet's stays open."""
    return now if "series" in params else latest_slot(spec.schedule, now)


def load_task(spec: TaskSpec) -> Callable[..., TaskReport]:
    """The function that a manifest entry names."""
    module, _, name = spec.entrypoint.partition(":")
    return cast("Callable[..., TaskReport]", getattr(import_module(module), name))
