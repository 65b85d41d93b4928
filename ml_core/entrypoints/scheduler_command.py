"""`ml-health scheduler`: every task by its schedule, where there is no orchestrator."""

from __future__ import annotations

import logging
import signal

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.scheduler import make_scheduler


@click.command("scheduler")
@click.pass_obj
def scheduler_command(platform: Platform) -> None:
    """Run every task when it is due, until stopped (Ctrl-C or SIGTERM)."""
    logging.getLogger("ml_core").setLevel(logging.INFO)
    _ = platform.database  # a schema that does not fit is refused here, before anything is scheduled
    platform.close()
    scheduler = make_scheduler(platform.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.shutdown(wait=False))
    scheduler.start()
