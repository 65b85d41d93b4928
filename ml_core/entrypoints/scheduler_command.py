"""`ml-health scheduler`: every task by its schedule, where there is no orchestrator."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime
from functools import partial

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.child import run_in_child
from ml_core.entrypoints.console import errors
from ml_core.entrypoints.scheduler import make_scheduler, tell_plan


@click.command("scheduler")
@click.pass_obj
def scheduler_command(platform: Platform) -> None:
    """Run every task when it is due, until stopped (Ctrl-C or SIGTERM); tasks under way stop at their next batch."""
    logging.getLogger("ml_core").setLevel(logging.INFO)
    # A schema that does not fit is refused here too, before anything is scheduled.
    for line in tell_plan(platform, datetime.now(UTC)):
        errors.print(line, markup=False, soft_wrap=True)
    platform.close()
    stopping = threading.Event()
    scheduler = make_scheduler(platform.settings, run_child=partial(run_in_child, stopping=stopping))

    def stop(*_: object) -> None:
        stopping.set()
        scheduler.shutdown(wait=False)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    scheduler.start()
