"""One replay: the tasks themselves, on a scratch site, with a clock that is told the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from ml_core.bootstrap import Platform
from ml_core.domain.replay_count import DailyCount
from ml_core.domain.scoring.quiet_time import QuietTime
from ml_core.domain.series_record import SeriesState
from ml_core.domain.task import Outcome
from ml_core.entrypoints.backtest.moments import TASKS, plan_runs
from ml_core.entrypoints.backtest.platforms import ScratchSite
from ml_core.entrypoints.backtest.recording import Progress, Recording
from ml_core.entrypoints.runner import run_task
from ml_core.manifest import load_manifest
from ml_core.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of one set of settings."""

    counts: Sequence[DailyCount]
    refusals: Sequence[dict[str, Any]]
    """Models that were trained or wanted and did not come to serve: which, when and why."""
    modelled: int
    """Series that had a model at the end."""
    problems: Sequence[str]
    """Runs that failed, or failed for some series, with their reasons."""


def replay(
    settings: Settings,
    recording: Recording,
    *,
    begin: datetime,
    end: datetime,
    what: str,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Replayed:
    """Let the tasks of a scratch site work through the time; each sees only readings that had come by then."""
    runs = plan_runs([load_manifest().task(name) for name in TASKS], begin=begin, end=end)
    problems: list[str] = []
    waiting = sorted(recording.quiet, key=lambda time: time.created_at)
    with closing(ScratchSite(settings, recording.telemetry)) as scratch:
        for done, run in enumerate(runs):
            progress(what, done, len(runs))
            if should_stop():
                raise click.Abort
            recording.telemetry.now = run.moment
            waiting = _enter_known(scratch, waiting, run.moment)
            result = run_task(scratch, run.spec.task_id, now=run.moment, slot=run.slot, should_stop=should_stop)
            if result.outcome not in (Outcome.SUCCEEDED, Outcome.SKIPPED):
                problems.append(
                    f"{result.task} of {result.slot:%Y-%m-%d %H:%M}Z {result.outcome.value}: {result.reason}"
                )
        progress(what, len(runs), len(runs))
        return _read_back(scratch, problems, begin=begin, end=end)


def _enter_known(scratch: Platform, waiting: list[QuietTime], now: datetime) -> list[QuietTime]:
    """Write down maintenance and snoozes that people had entered by then; those still to come."""
    known = [time for time in waiting if time.created_at <= now]
    for time in known:
        scratch.calendar.add(time)
    return waiting[len(known) :]


def _read_back(scratch: Platform, problems: Sequence[str], *, begin: datetime, end: datetime) -> Replayed:
    # Events at the very begin are the first models' own.
    events = scratch.history.list_events(after=datetime.min.replace(tzinfo=begin.tzinfo), until=end)
    return Replayed(
        counts=scratch.history.count_by_day(begin=begin, end=end),
        refusals=[
            {
                "series": event.series,
                "at": event.happened_at.isoformat(),
                "cause": event.cause,
                "reason": event.reason,
            }
            for event in events
            if event.event == "not_promoted"
        ],
        modelled=sum(record.state is SeriesState.MODELLED for record in scratch.series.list_series()),
        problems=problems,
    )
