"""A run: take the lock, open the slot, do the work, close the slot; the same however it was started."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ml_core.domain.incidents.redaction import redact
from ml_core.domain.task import ItemOutcome, Outcome, RunItem, TaskReport, TaskResult
from ml_core.errors import ConflictError, DatabaseUnavailableError, MLHealthError
from ml_core.ports.run_ledger import RunItems, RunLedger, RunRecord, TaskLock

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


class RunStopped(Exception):  # noqa: N818 - a request to stop is no error
    """The run was asked to stop; what it committed stays, and its slot can be resumed."""


@dataclass(kw_only=True)
class RunRecorder:
    """A task's view of its own run: what is done already, what was done now, whether to stop."""

    ledger: RunItems
    run: RunRecord | None
    """None in a dry run, which leaves no trace."""
    now: datetime
    should_stop: Callable[[], bool]
    progress: Progress
    failed: list[RunItem] = field(default_factory=list)

    def finished_series(self) -> frozenset[int]:
        """Series that an earlier attempt of this slot has dealt with."""
        return frozenset() if self.run is None else self.ledger.finished_series(self.run)

    def begin(self, series_ids: Sequence[int]) -> frozenset[int]:
        """Write down which series are worked on now; those at which an earlier attempt's process died."""
        if self.run is None or not series_ids:
            return frozenset()
        return self.ledger.begin_series(self.run, series_ids, at=self.now)

    def record(self, items: Sequence[RunItem]) -> None:
        """Write what was done to some series, then stop here if that was asked for."""
        self.failed.extend(item for item in items if item.outcome is ItemOutcome.FAILED)
        if self.run is not None and items:
            self.ledger.record_items(self.run, items, at=self.now)
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raise RunStopped between two batches where the run was asked to stop."""
        if self.should_stop():
            raise RunStopped


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Which run is wanted."""

    task: str
    slot: datetime
    now: datetime
    max_attempts: int
    params: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False


def execute_run(
    request: RunRequest,
    body: Callable[[RunRecorder], TaskReport],
    *,
    ledger: RunLedger,
    lock: TaskLock,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress = lambda what, done, total: None,
    secrets: Sequence[str] = (),
) -> TaskResult:
    """Run `body` as the run of one slot and tell what happened; only a database that is gone raises."""
    recorder = RunRecorder(ledger=ledger, run=None, now=request.now, should_stop=should_stop, progress=progress)
    began = time.monotonic()

    def end(outcome: Outcome, report: TaskReport, reason: str | None, attempt: int = 1) -> TaskResult:
        return _result(request, outcome, report, reason, attempt, time.monotonic() - began)

    if request.dry_run:
        return end(*_attempt(body, recorder, secrets))
    if not lock.acquire():
        return end(Outcome.SKIPPED, TaskReport(), "another process is running this task")
    try:
        try:
            run = ledger.begin(
                request.task, request.slot, at=request.now, max_attempts=request.max_attempts, params=request.params
            )
        except ConflictError as exc:
            return end(Outcome.INTERRUPTED, TaskReport(), f"the slot could not be opened: {exc}")
        if run is None:
            return end(Outcome.SKIPPED, TaskReport(), "this slot has been run")
        recorder.run = run
        try:
            result = end(*_attempt(body, recorder, secrets), attempt=run.attempt)
        except DatabaseUnavailableError as exc:
            broken = end(Outcome.INTERRUPTED, TaskReport(), redact(str(exc), secrets), attempt=run.attempt)
            # Where nothing can be written at all, the row is closed by the next holder of the lock.
            with suppress(MLHealthError):
                _close(ledger, run, broken)
            raise
        try:
            _close(ledger, run, result)
        except ConflictError as exc:
            # The lock was lost meanwhile and somebody else runs this slot: theirs is the outcome that counts.
            return end(Outcome.INTERRUPTED, TaskReport(), str(exc), attempt=run.attempt)
        return result
    finally:
        lock.release()


def _close(ledger: RunLedger, run: RunRecord, result: TaskResult) -> None:
    ledger.finish(
        run,
        result.outcome,
        at=result.finished_at,
        reason=result.reason,
        counts=result.counts,
        duration_ms=(result.finished_at - result.started_at).total_seconds() * 1000,
    )


def _attempt(
    body: Callable[[RunRecorder], TaskReport], recorder: RunRecorder, secrets: Sequence[str]
) -> tuple[Outcome, TaskReport, str | None]:
    try:
        report = body(recorder)
    except RunStopped:
        return Outcome.INTERRUPTED, TaskReport(), "asked to stop; the slot can be resumed"
    except DatabaseUnavailableError:
        raise
    except ConflictError as exc:
        return Outcome.INTERRUPTED, TaskReport(), redact(str(exc), secrets)
    except MLHealthError as exc:
        return Outcome.FAILED, TaskReport(), redact(str(exc), secrets)
    except Exception as exc:  # a surprise is recorded with its run, never lost
        logger.exception("the run failed")
        return Outcome.FAILED, TaskReport(), redact(f"{type(exc).__name__}: {exc}", secrets)
    return report.outcome, report, report.skipped_reason or _name_failures(recorder.failed)


def _name_failures(failed: Sequence[RunItem], shown: int = 5) -> str | None:
    if not failed:
        return None
    told = "; ".join(f"series {item.series_id}: {item.reason}" for item in failed[:shown])
    more = len(failed) - shown
    return told + (f"; and {more} more" if more > 0 else "")


def _result(
    request: RunRequest, outcome: Outcome, report: TaskReport, reason: str | None, attempt: int, elapsed_s: float
) -> TaskResult:
    return TaskResult(
        task=request.task,
        slot=request.slot,
        outcome=outcome,
        reason=reason,
        attempt=attempt,
        dry_run=request.dry_run,
        counts=report.counts,
        findings=report.findings,
        started_at=request.now,
        # On an injected clock the work still takes its real time.
        finished_at=request.now + timedelta(seconds=elapsed_s),
    )
