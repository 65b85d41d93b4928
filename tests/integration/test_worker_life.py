"""Workers of a killed process do not stay behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

CODE = """
import time, os
from joblib import Parallel, delayed
from ml_core.services.worker_life import end_with

def work(maker):
    end_with(maker)
    print(os.getpid(), flush=True)
    time.sleep(600)

Parallel(n_jobs=2, backend="loky")([delayed(work)(os.getpid()) for _ in range(2)])
"""


def test_workers_end_with_a_process_that_was_killed() -> None:
    """Its output is closed within seconds, since nobody holds it any more."""
    run = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    workers = [int(run.stdout.readline()) for _ in range(2)]
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=30)

    give_up = time.monotonic() + 30
    while any(_is_alive(worker) for worker in workers) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert [worker for worker in workers if _is_alive(worker)] == []


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
