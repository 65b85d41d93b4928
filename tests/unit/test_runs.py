"""A run: lock, slot, work, end; the same however it was started."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ml_core.domain.task import ItemOutcome, Outcome, RunItem, TaskReport, TaskResult
from ml_core.errors import ConfirmationRequiredError, ConflictError, DatabaseUnavailableError
from ml_core.ports.run_ledger import RunRecord
from ml_core.services.runs import RunRecorder, RunRequest, execute_run

NOW = datetime(2026, 5, 4, 2, tzinfo=UTC)


class MemoryLedger:
    """Runs in memory, for what the rules of a run are; PostgreSQL's ledger has tests of its own."""

    def __init__(self) -> None:
        self.ended: list[tuple[Outcome, str | None]] = []
        self.items: list[RunItem] = []
        self.done = False

    def begin(self, task: str, slot: datetime, **_: object) -> RunRecord | None:
        if self.done:
            return None
        return RunRecord(run_id=1, task=task, slot=slot, attempt=1, outcome=Outcome.RUNNING, started_at=NOW)

    def record_items(self, run: RunRecord, items: list[RunItem], *, at: datetime) -> None:
        self.items.extend(items)

    def finished_series(self, run: RunRecord) -> frozenset[int]:
        return frozenset(item.series_id for item in self.items if item.outcome is ItemOutcome.SUCCEEDED)

    def finish(self, run: RunRecord, outcome: Outcome, *, reason: str | None, **_: object) -> None:
        self.ended.append((outcome, reason))


class MemoryLock:
    """A lock that is free or not."""

    def __init__(self, free: bool = True) -> None:
        self.free, self.held = free, False

    def acquire(self) -> bool:
        self.held = self.free
        return self.free

    def release(self) -> None:
        self.held = False


def execute(
    body: Callable[[RunRecorder], TaskReport],
    ledger: MemoryLedger | None = None,
    lock: MemoryLock | None = None,
    **options: object,
) -> TaskResult:
    """Run `body` in the slot of NOW."""
    request = RunRequest(
        task="ml_score", slot=NOW, now=NOW, max_attempts=3, dry_run=bool(options.pop("dry_run", False))
    )
    return execute_run(request, body, ledger=ledger or MemoryLedger(), lock=lock or MemoryLock(), **options)  # type: ignore[arg-type]


def test_a_run_that_ends_well_is_told_and_closed() -> None:
    """Counts reach the result, the slot is closed, the lock is given back."""
    ledger, lock = MemoryLedger(), MemoryLock()

    result = execute(lambda run: TaskReport(counts={"series": 3}), ledger, lock)

    assert result.outcome is Outcome.SUCCEEDED
    assert result.counts == {"series": 3}
    assert ledger.ended == [(Outcome.SUCCEEDED, None)]
    assert not lock.held


def test_a_failed_series_makes_the_run_partial_and_is_named() -> None:
    """Each failed series stands in the reason with its own."""

    def body(run: RunRecorder) -> TaskReport:
        run.record([RunItem(series_id=7, outcome=ItemOutcome.FAILED, reason="its file is damaged")])
        return TaskReport(failures=1)

    result = execute(body)

    assert result.outcome is Outcome.PARTIAL
    assert result.reason == "series 7: its file is damaged"


def test_a_surprise_is_recorded_and_its_secrets_are_not() -> None:
    """An exception nobody expected fails the run with its words, redacted."""
    ledger = MemoryLedger()

    def body(run: RunRecorder) -> TaskReport:
        raise RuntimeError("cannot talk to postgresql://me:hunter22@db/x")

    result = execute(body, ledger, secrets=("hunter22",))

    assert result.outcome is Outcome.FAILED
    assert "RuntimeError: cannot talk" in (result.reason or "")
    assert "hunter22" not in (result.reason or "")
    assert ledger.ended[0][0] is Outcome.FAILED


def test_an_error_of_ours_says_what_to_do() -> None:
    """The message of a typed error is the reason, without its class."""

    def body(run: RunRecorder) -> TaskReport:
        raise ConfirmationRequiredError("confirm the plan")

    assert execute(body).reason == "confirm the plan"


def test_a_lost_database_is_no_outcome() -> None:
    """There is nowhere to write an outcome, so the caller hears of it, and the lock is given back."""
    lock = MemoryLock()

    def body(run: RunRecorder) -> TaskReport:
        raise DatabaseUnavailableError("gone")

    with pytest.raises(DatabaseUnavailableError):
        execute(body, lock=lock)

    assert not lock.held


def test_a_request_to_stop_interrupts_between_two_batches() -> None:
    """What was recorded stays, and the slot can be resumed."""
    ledger = MemoryLedger()

    def body(run: RunRecorder) -> TaskReport:
        run.record([RunItem(series_id=1, outcome=ItemOutcome.SUCCEEDED)])
        return TaskReport()

    result = execute(body, ledger, should_stop=lambda: True)

    assert result.outcome is Outcome.INTERRUPTED
    assert result.outcome.reopens
    assert [item.series_id for item in ledger.items] == [1]


def test_a_writer_that_was_fenced_is_interrupted() -> None:
    """Somebody else took the attempt over: nothing of this one counts."""

    def body(run: RunRecorder) -> TaskReport:
        raise ConflictError("another process took this run over")

    assert execute(body).outcome is Outcome.INTERRUPTED


def test_a_held_lock_and_a_finished_slot_are_skipped_with_their_reason() -> None:
    """Neither runs the body."""
    done = MemoryLedger()
    done.done = True

    def body(run: RunRecorder) -> TaskReport:
        raise AssertionError("must not run")

    assert execute(body, lock=MemoryLock(free=False)).reason == "another process is running this task"
    assert execute(body, done).reason == "this slot has been run"


def test_a_dry_run_leaves_no_row_and_takes_no_lock() -> None:
    """Its result says that nothing was changed."""
    ledger = MemoryLedger()

    result = execute(
        lambda run: TaskReport(counts={"series": len(run.finished_series())}),
        ledger,
        MemoryLock(free=False),
        dry_run=True,
    )

    assert result.dry_run
    assert result.outcome is Outcome.SUCCEEDED
    assert ledger.ended == []


def test_exit_codes_tell_a_shell_what_happened() -> None:
    """0 done or nothing to do, 1 partly, 2 failed."""
    codes = {outcome.value: outcome.exit_code for outcome in Outcome}

    assert codes == {"succeeded": 0, "skipped": 0, "partial": 1, "failed": 2, "interrupted": 2, "running": 2}
