"""Workers of a killed process do not stay behind."""

from __future__ import annotations

import subprocess
import sys

import psutil

CODE = """
import os, time
from joblib import Parallel, delayed
from ml_core.services.training.worker_life import watched_by

def work(seconds):
    time.sleep(seconds)
    print("done", flush=True)

Parallel(n_jobs=2, backend="loky", **watched_by(os.getpid()))([delayed(work)(s) for s in (600, 0.1)])
"""


def test_workers_end_with_a_process_that_was_killed() -> None:
    """The one that is at work ends within seconds, and so does the one that waits for work."""
    run = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "done\n"
    workers = [child for child in psutil.Process(run.pid).children() if "LokyProcess" in " ".join(child.cmdline())]
    run.kill()
    run.communicate(timeout=30)

    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=30)[1] == []
