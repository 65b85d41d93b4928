"""A task in a child process with a deadline: a hung task ends, a crash takes nothing else with it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

logger = logging.getLogger(__name__)

GRACE_S = 10.0
"""Seconds between asking a child to stop and killing it."""
LOOK_S = 0.2
"""Seconds between two looks at a child."""


@dataclass(frozen=True, kw_only=True)
class ChildEnd:
    """How a child ended."""

    exit_code: int
    result: dict[str, Any] | None
    """The JSON object of its run, if it came that far."""
    timed_out: bool = False


def run_in_child(
    task: str,
    *,
    slot: datetime,
    now: datetime | None,
    timeout_s: float,
    stopping: threading.Event | None = None,
) -> ChildEnd:
    """Run one slot of a task in a process of its own and wait for it, at most `timeout_s` and the grace.

    `now` None leaves the clock to the child. Settings reach it through the environment. Once `stopping` is set it
    is asked to stop at its next batch; it stops too when this process dies.
    """
    # A file, since a worker of the child's may outlive it and would hold a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        child = subprocess.Popen(
            _command(task, slot, now), stdin=subprocess.PIPE, stdout=printed, text=True, start_new_session=True
        )
        timed_out = _wait(child, task, timeout_s, stopping or threading.Event())
        if child.stdin is not None:
            child.stdin.close()
        printed.seek(0)
        return ChildEnd(exit_code=child.returncode, result=_parse(printed.read()), timed_out=timed_out)


def _command(task: str, slot: datetime, now: datetime | None) -> list[str]:
    command = [sys.executable, "-m", "ml_core.entrypoints.watched_cli", "run", task, "--json"]
    command += ["--slot", slot.isoformat()]
    return command if now is None else [*command, "--now", now.isoformat()]


def _wait(child: subprocess.Popen[str], task: str, timeout_s: float, stopping: threading.Event) -> bool:
    """Wait for the end, brought about where need be; whether that was for the deadline."""
    deadline = time.monotonic() + timeout_s
    while not _has_ended(child):
        if time.monotonic() >= deadline:
            logger.error("%s is over its deadline of %.0f s and is stopped", task, timeout_s)
            _stop(child)
            return True
        if stopping.is_set():
            logger.info("%s is asked to stop", task)
            _stop(child)
    return False


def _has_ended(child: subprocess.Popen[str], wait_s: float = LOOK_S) -> bool:
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=wait_s)
    return child.returncode is not None


def _stop(child: subprocess.Popen[str]) -> None:
    """Ask, then kill it with all of its workers."""
    child.terminate()
    if not _has_ended(child, GRACE_S):
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _parse(printed: str) -> dict[str, Any] | None:
    try:
        result = json.loads(printed)
    except json.JSONDecodeError:
        return None
    # An error is told in JSON too, and is no result of a run.
    return result if isinstance(result, dict) and "outcome" in result else None
