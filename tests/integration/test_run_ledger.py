from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from psycopg2.extensions import cursor

from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.task_lock import PostgresTaskLock
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent
from ml_core.domain.task import ItemOutcome, Outcome, RunItem, TaskReport
from ml_core.errors import ConflictError
from ml_core.ports.run_ledger import RunRecord
from ml_core.services.runs import RunRecorder, RunRequest, execute_run

SLOT = datetime(2026, 1, 31, 2, tzinfo=UTC)
TASK = "ml_health_check"
FOUR_AT_ONCE = """
import sys
from datetime import UTC, datetime, timedelta
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.postgres.task_lock import PostgresTaskLock
from ml_core.domain.task import TaskReport
from ml_core.services.runs import RunRequest, execute_run
database = Database(sys.argv[1])
def work(recorder):
    with database.transaction() as cur:
        cur.execute("INSERT INTO public.work_done SELECT slot FROM ml_health.run WHERE id = %s", (recorder.run.run_id,))
    return TaskReport()
sys.stdin.readline()
for hour in range(20):
    slot = datetime(2026, 1, 31, tzinfo=UTC) + timedelta(hours=hour)
    while True:
        result = execute_run(
            RunRequest(task="ml_score", slot=slot, now=slot, max_attempts=3), work,
            ledger=PostgresRunLedger(database), lock=PostgresTaskLock(database, "ml_score"),
        )
        if result.reason != "another process is running this task":
            break
"""


@pytest.fixture
def ledger(database: Database) -> PostgresRunLedger:
    """The ledger of a fresh database."""
    return PostgresRunLedger(database)


def _begin(ledger: PostgresRunLedger, slot: datetime = SLOT, max_attempts: int = 3) -> RunRecord | None:
    return ledger.begin(TASK, slot, at=slot, max_attempts=max_attempts, params={})


def _end(ledger: PostgresRunLedger, run: RunRecord | None, outcome: Outcome) -> None:
    assert run is not None
    ledger.finish(run, outcome, at=SLOT, reason=None, counts={"checked": 1}, duration_ms=1.0)


def _add_series(database: Database, count: int) -> list[int]:
    registry = PostgresSeriesRegistry(database)
    extents = [
        SeriesExtent(key=SeriesKey(device=f"pump-{i}", metric="flow"), first_at=SLOT, newest_at=SLOT, readings=1)
        for i in range(count)
    ]
    registry.register(extents, at=SLOT)
    return [record.series_id for record in registry.list_series()]


def test_a_slot_is_opened_once(ledger: PostgresRunLedger) -> None:
    """The first to ask gets the run; a slot that succeeded is done."""
    run = _begin(ledger)
    _end(ledger, run, Outcome.SUCCEEDED)

    assert run is not None
    assert (run.attempt, run.outcome) == (1, Outcome.RUNNING)
    assert _begin(ledger) is None


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.PARTIAL, Outcome.INTERRUPTED])
def test_a_slot_that_did_not_succeed_is_reopened_until_attempts_end(
    ledger: PostgresRunLedger, outcome: Outcome
) -> None:
    """Each reopening is the next attempt of the same run."""
    attempts = []
    while (run := _begin(ledger)) is not None:
        attempts.append((run.run_id, run.attempt))
        _end(ledger, run, outcome)

    assert [attempt for _, attempt in attempts] == [1, 2, 3]
    assert len({run_id for run_id, _ in attempts}) == 1


def test_a_skipped_slot_is_done(ledger: PostgresRunLedger) -> None:
    """Nothing to do is an answer."""
    _end(ledger, _begin(ledger), Outcome.SKIPPED)

    assert _begin(ledger) is None


def test_a_run_whose_process_died_is_taken_over(ledger: PostgresRunLedger) -> None:
    """Whoever holds the lock and finds the run still running opens its next attempt."""
    dead = _begin(ledger)
    run = _begin(ledger)

    assert dead is not None
    assert run is not None
    assert (run.run_id, run.attempt) == (dead.run_id, 2)


def test_a_run_that_died_in_its_last_attempt_is_closed(ledger: PostgresRunLedger) -> None:
    """It does not stay "running" for ever."""
    _begin(ledger, max_attempts=1)
    again = _begin(ledger, max_attempts=1)
    run = ledger.find(TASK, SLOT)

    assert again is None
    assert run is not None
    assert (run.outcome, run.reason) == (Outcome.INTERRUPTED, "its process ended without a word")


def test_a_later_slot_closes_the_run_that_died_in_an_earlier_one(ledger: PostgresRunLedger) -> None:
    """A crash before the next slot leaves no run open."""
    _begin(ledger)
    _begin(ledger, SLOT + timedelta(days=1))
    run = ledger.find(TASK, SLOT)

    assert run is not None
    assert run.outcome is Outcome.INTERRUPTED


def test_a_clock_that_went_back_reopens_no_old_slot(ledger: PostgresRunLedger) -> None:
    """Once a newer slot is finished, a failed older one stays as it is; one that never ran may run."""
    _end(ledger, _begin(ledger), Outcome.FAILED)
    _end(ledger, _begin(ledger, SLOT + timedelta(days=1)), Outcome.SUCCEEDED)

    assert _begin(ledger) is None
    assert _begin(ledger, SLOT + timedelta(days=1)) is None
    assert _begin(ledger, SLOT - timedelta(days=1)) is not None


def test_runs_of_other_tasks_are_left_alone(ledger: PostgresRunLedger) -> None:
    """A lock holder knows only of its own task."""
    _begin(ledger)
    ledger.begin("ml_score", SLOT, at=SLOT, max_attempts=3, params={})
    run = ledger.find(TASK, SLOT)

    assert run is not None
    assert run.outcome is Outcome.RUNNING


def test_items_survive_into_the_next_attempt(ledger: PostgresRunLedger, database: Database) -> None:
    """Series dealt with are not done again; those that failed are."""
    done, skipped, failed = _add_series(database, 3)
    first = _begin(ledger)
    assert first is not None
    items = [
        RunItem(series_id=done, outcome=ItemOutcome.SUCCEEDED),
        RunItem(series_id=skipped, outcome=ItemOutcome.SKIPPED, reason="muted"),
        RunItem(series_id=failed, outcome=ItemOutcome.FAILED, reason="no readings"),
    ]
    ledger.record_items(first, items, at=SLOT)
    second = _begin(ledger)
    assert second is not None

    assert ledger.finished_series(second) == {done, skipped}

    ledger.record_items(second, [RunItem(series_id=failed, outcome=ItemOutcome.SUCCEEDED)], at=SLOT)

    assert ledger.finished_series(second) == {done, skipped, failed}


def test_what_a_dead_attempt_was_at_is_suspected(ledger: PostgresRunLedger, database: Database) -> None:
    """Series begun and never ended are told to the next attempt only; an attempt that ends in order suspects none."""
    ended, open_one, other = _add_series(database, 3)
    first = _begin(ledger)
    assert first is not None
    assert ledger.begin_series(first, [ended, open_one], at=SLOT) == frozenset()
    ledger.record_items(first, [RunItem(series_id=ended, outcome=ItemOutcome.SUCCEEDED)], at=SLOT)
    second = _begin(ledger)
    assert second is not None

    assert ledger.finished_series(second) == {ended}
    assert ledger.begin_series(second, [open_one, other], at=SLOT) == {open_one}

    ledger.finish(second, Outcome.INTERRUPTED, at=SLOT, reason="asked to stop", counts={}, duration_ms=1.0)
    third = _begin(ledger)
    assert third is not None

    assert ledger.begin_series(third, [open_one, other], at=SLOT) == frozenset()


def test_a_late_writer_is_fenced(ledger: PostgresRunLedger, database: Database) -> None:
    """An attempt that was taken over can neither record nor finish."""
    (series_id,) = _add_series(database, 1)
    late, current = _begin(ledger), _begin(ledger)
    assert late is not None

    with pytest.raises(ConflictError, match="attempt 1 is no longer"):
        ledger.record_items(late, [RunItem(series_id=series_id, outcome=ItemOutcome.SUCCEEDED)], at=SLOT)
    with pytest.raises(ConflictError, match="attempt 1 is no longer"):
        _end(ledger, late, Outcome.SUCCEEDED)
    _end(ledger, current, Outcome.SUCCEEDED)


def test_what_was_finished_reads_back(ledger: PostgresRunLedger) -> None:
    """Outcome, reason and figures, numpy's too."""
    run = ledger.begin(TASK, SLOT, at=SLOT, max_attempts=1, params={"series": "a:b", "since": SLOT})
    assert run is not None
    counts = {"checked": np.int64(3), "share": np.float64(0.5)}
    ledger.finish(run, Outcome.PARTIAL, at=SLOT, reason="two failed", counts=counts, duration_ms=1.5)
    found = ledger.find(TASK, SLOT)

    assert found is not None
    assert (found.outcome, found.reason, found.counts) == (
        Outcome.PARTIAL,
        "two failed",
        {"checked": 3, "share": 0.5},
    )
    assert ledger.find(TASK, SLOT + timedelta(days=1)) is None


def test_latest_is_the_newest_slot_of_those_outcomes(ledger: PostgresRunLedger) -> None:
    """Not the one that ran last."""
    for days, outcome in ((1, Outcome.SUCCEEDED), (2, Outcome.FAILED), (0, Outcome.SUCCEEDED)):
        _end(ledger, _begin(ledger, SLOT + timedelta(days=days)), outcome)
    newest = ledger.latest(TASK, until=SLOT + timedelta(days=9))
    succeeded = ledger.latest(TASK, until=SLOT + timedelta(days=9), outcomes=[Outcome.SUCCEEDED])

    assert newest is not None
    assert newest.slot == SLOT + timedelta(days=2)
    assert succeeded is not None
    assert succeeded.slot == SLOT + timedelta(days=1)
    assert ledger.latest(TASK, until=SLOT + timedelta(days=9), outcomes=[Outcome.INTERRUPTED]) is None
    assert ledger.latest("ml_purge", until=SLOT) is None


def test_a_run_of_a_clock_that_was_ahead_is_not_the_latest(ledger: PostgresRunLedger) -> None:
    """Once the clock is right again, the heartbeat is that of the runs up to now."""
    for days in (0, 9999):
        _end(ledger, _begin(ledger, SLOT + timedelta(days=days)), Outcome.SUCCEEDED)

    latest = ledger.latest(TASK, until=SLOT + timedelta(days=1))

    assert latest is not None
    assert latest.slot == SLOT


def test_one_holder_a_task(database: Database) -> None:
    """A second holder is refused, another task is not, and what is given back can be taken."""
    first, second = PostgresTaskLock(database, TASK), PostgresTaskLock(database, TASK)
    other = PostgresTaskLock(database, "ml_score")

    assert first.acquire()
    assert not second.acquire()
    assert not first.acquire()
    assert other.acquire()

    first.release()
    first.release()

    assert second.acquire()

    second.release()
    other.release()


def test_the_lock_is_lost_with_its_connection_and_the_late_writer_is_fenced(
    ledger: PostgresRunLedger, database: Database
) -> None:
    """A holder whose connection is ended mid-run ends as interrupted; the one who took over writes the run."""

    def lose_the_lock(recorder: RunRecorder) -> TaskReport:
        with database.transaction() as cur:
            _end_lock_holders(cur)
        successor = PostgresTaskLock(database, TASK)
        assert successor.acquire()
        taken_over = _begin(ledger)
        _end(ledger, taken_over, Outcome.SUCCEEDED)
        successor.release()
        recorder.record([RunItem(series_id=series_id, outcome=ItemOutcome.SUCCEEDED)])
        raise AssertionError("the write should have been refused")

    (series_id,) = _add_series(database, 1)
    result = execute_run(
        RunRequest(task=TASK, slot=SLOT, now=SLOT, max_attempts=3),
        lose_the_lock,
        ledger=ledger,
        lock=PostgresTaskLock(database, TASK),
    )
    run = ledger.find(TASK, SLOT)

    assert result.outcome is Outcome.INTERRUPTED
    assert run is not None
    assert (run.attempt, run.outcome) == (2, Outcome.SUCCEEDED)
    assert ledger.finished_series(run) == frozenset()


def _end_lock_holders(cur: cursor) -> None:
    cur.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    assert cur.fetchall() == [(True,)]


def test_four_processes_and_twenty_slots_make_twenty_runs(database_url: str) -> None:
    """However many hosts call a slot, its work is done once."""
    with closing(Database(database_url)) as database:
        with database.transaction() as cur:
            cur.execute("CREATE TABLE public.work_done (slot timestamptz NOT NULL)")
        processes = [
            subprocess.Popen([sys.executable, "-c", FOUR_AT_ONCE, database_url], stdin=subprocess.PIPE)
            for _ in range(4)
        ]
        for process in processes:
            process.communicate(b"\n", timeout=120) if process is processes[-1] else _release(process)
        for process in processes:
            assert process.wait(timeout=120) == 0
        with database.transaction() as cur:
            cur.execute("SELECT count(*), count(DISTINCT slot) FROM public.work_done")
            worked = cur.fetchone()
            cur.execute("SELECT outcome, attempt, count(*) FROM ml_health.run GROUP BY 1, 2")
            runs = cur.fetchall()

    assert worked == (20, 20)
    assert runs == [("succeeded", 1, 20)]


def _release(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.close()
