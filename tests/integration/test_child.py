"""Children of the scheduler in real processes: whoever is killed, nothing hangs and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.postgres.database import Database
from ml_core.domain.task import Outcome
from ml_core.entrypoints import child
from ml_core.entrypoints.child import ChildEnd, run_in_child
from tests.integration.trained_site import NOW, healthy, write_readings

SLOT = datetime(2025, 3, 1, 12, 20, tzinfo=UTC)
DEADLINE_S = 60.0


@pytest.fixture(autouse=True)
def site(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings for children."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Nobody can write to a table meanwhile, so that a child hangs in the database as a real one would."""
    with closing(Database(url)) as holder, holder.transaction() as cur:
        cur.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield


def wait_for(condition: Callable[[], object]) -> None:
    """Until it is so."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything; an orphan that nobody reaps stays in the list of processes."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_begun(database: Database) -> bool:
    """Whether the slot's run is under way."""
    run = PostgresRunLedger(database).find("ml_discover", SLOT)
    return run is not None and run.outcome is Outcome.RUNNING


def tasks_of(starter: psutil.Process) -> list[psutil.Process]:
    """The children that run tasks."""
    return [process for process in starter.children() if "ml_core.entrypoints.watched_cli" in process.cmdline()]


def test_workers_of_a_killed_child_neither_hold_its_parent_up_nor_stay(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that trains in workers and hangs is ended with them at its deadline."""
    monkeypatch.setenv("ML_HEALTH_EXECUTION__BACKEND", "loky")
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    for device in ("A", "B", "C"):
        write_readings(database, device, healthy(400), until=NOW)
    family: set[psutil.Process] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            with suppress(psutil.NoSuchProcess):
                for task in tasks_of(psutil.Process()):
                    family.update(task.children(recursive=True))

    watcher = threading.Thread(target=look)
    watcher.start()
    began = time.monotonic()
    with held(database_url, "public.ml_models"):
        end = run_in_child("ml_discover", slot=SLOT, now=SLOT, timeout_s=9)
    took_s = time.monotonic() - began
    ended.set()
    watcher.join()

    assert end.timed_out
    assert took_s < DEADLINE_S
    assert family
    wait_for(lambda: not any(is_alive(process) for process in family))


def test_child_ends_with_whoever_started_it(database: Database, database_url: str) -> None:
    """A scheduler that is killed leaves nobody behind who still writes."""
    write_readings(database, "A", healthy(400), until=NOW)
    words = "from ml_core.entrypoints.child import run_in_child; from datetime import datetime; "
    words += f"at = datetime.fromisoformat('{SLOT.isoformat()}'); "
    words += "run_in_child('ml_discover', slot=at, now=at, timeout_s=600)"

    with held(database_url, "public.ml_models"):
        with subprocess.Popen([sys.executable, "-c", words]) as starter:
            wait_for(lambda: is_begun(database))
            (task,) = tasks_of(psutil.Process(starter.pid))
            starter.kill()
        wait_for(lambda: not is_alive(task))


def test_child_that_is_asked_to_stop_keeps_what_it_has(database: Database, database_url: str) -> None:
    """It hears it at its next batch: the run is interrupted, and its slot can be run again."""
    write_readings(database, "A", healthy(400), until=NOW)
    stopping = threading.Event()
    ends: list[ChildEnd] = []

    def run() -> None:
        ends.append(run_in_child("ml_discover", slot=SLOT, now=SLOT, timeout_s=600, stopping=stopping))

    thread = threading.Thread(target=run)
    with held(database_url, "public.ml_models"):
        thread.start()
        wait_for(lambda: is_begun(database))
        stopping.set()
        time.sleep(1)
    thread.join()

    run_record = PostgresRunLedger(database).find("ml_discover", SLOT)
    assert run_record is not None
    assert not ends[0].timed_out
    assert run_record.outcome is Outcome.INTERRUPTED
    assert "asked to stop" in str(run_record.reason)


def test_scheduler_that_is_told_to_end_takes_its_tasks_along(database: Database, database_url: str) -> None:
    """Ctrl-C or a service manager's stop: the tasks under way stop too, and the scheduler is gone."""
    command = [sys.executable, "-m", "ml_core.entrypoints.cli", "scheduler"]
    with held(database_url, "ml_health.series"), subprocess.Popen(command, stderr=subprocess.DEVNULL) as scheduler:
        wait_for(lambda: tasks_of(psutil.Process(scheduler.pid)))
        tasks = tasks_of(psutil.Process(scheduler.pid))
        os.kill(scheduler.pid, signal.SIGTERM)
        scheduler.wait(timeout=DEADLINE_S)

    assert tasks
    assert not any(is_alive(task) for task in tasks)
