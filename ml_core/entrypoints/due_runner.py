"""Everything that is due, once, in the manifest's order: a process of its own that a host's cycle need not wait for."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from ml_core.bootstrap import Platform
from ml_core.entrypoints.child import ChildEnd, run_in_child
from ml_core.entrypoints.due import find_due_slot
from ml_core.manifest import load_manifest
from ml_core.settings import load_settings


def run_all_due(
    platform: Platform,
    *,
    now: datetime | None = None,
    run_child: Callable[..., ChildEnd] = run_in_child,
    stopping: threading.Event | None = None,
) -> dict[str, ChildEnd]:
    """Run each task whose slot is due in a child with the task's deadline; how each ended.

    A task that another process is running is left to it by the task's lock. `now` None leaves the clock running.
    Once `stopping` is set, the task under way stops at its next batch and no other one is started.
    """
    ends: dict[str, ChildEnd] = {}
    asked = stopping or threading.Event()
    for spec in load_manifest().tasks:
        if asked.is_set():
            break
        slot = find_due_slot(platform, spec, now or datetime.now(UTC))
        if slot is not None:
            ends[spec.task_id] = run_child(spec.task_id, slot=slot, now=now, timeout_s=spec.timeout_s, stopping=asked)
    return ends


def main(arguments: Sequence[str]) -> int:
    """Run what is due now, or at the moment given as the only argument; the worst exit code of all."""
    now = datetime.fromisoformat(arguments[0]) if arguments else None
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with closing(Platform(load_settings())) as platform:
        ends = run_all_due(platform, now=now, stopping=stopping)
    return max((abs(end.exit_code) for end in ends.values()), default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
