"""A task in a child process with a deadline: a hung task ends, a crash takes nothing else with it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

logger = logging.getLogger(__name__)

GRACE_S = 10.0
"""Seconds between asking a child to stop and killing it."""


@dataclass(frozen=True, kw_only=True)
class ChildEnd:
    """How a child ended."""

    exit_code: int
    result: dict[str, Any] | None
    """The JSON object it printed, if it came that far."""
    timed_out: bool = False


def run_in_child(task: str, *, slot: datetime, now: datetime | None, timeout_s: float) -> ChildEnd:
    """Run one slot of a task in a process of its own and wait for it, at most `timeout_s` and the grace.

    `now` None leaves the clock to the child. Settings reach it through the environment.
    """
    command = [
        sys.executable,
        "-m",
        "ml_core.entrypoints.cli",
        "run",
        task,
        "--json",
        "--slot",
        slot.isoformat(),
    ]
    if now is not None:
        command += ["--now", now.isoformat()]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    timed_out = False
    try:
        printed, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        logger.error("%s is over its deadline of %.0f s and is stopped", task, timeout_s)
        printed = _stop(child)
    return ChildEnd(exit_code=child.returncode, result=_parse(printed), timed_out=timed_out)


def _stop(child: subprocess.Popen[str]) -> str:
    child.terminate()
    try:
        return child.communicate(timeout=GRACE_S)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        return child.communicate()[0]


def _parse(printed: str) -> dict[str, Any] | None:
    try:
        result = json.loads(printed)
    except json.JSONDecodeError:
        return None
    return result if isinstance(result, dict) else None
