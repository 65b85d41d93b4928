"""`ml-health run`: one task, one slot."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Table

from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome, TaskResult
from ml_core.entrypoints.console import MOMENT, dry_words, errors, output, print_json, show_progress, stop_on_signal
from ml_core.entrypoints.runner import run_task

_COLOURS = {Outcome.SUCCEEDED: "green", Outcome.SKIPPED: "blue", Outcome.PARTIAL: "yellow"}


@click.command("run")
@click.argument("task")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--slot", type=MOMENT, help="The slot to run; default: the latest of the task's schedule.")
@click.option("--now", type=MOMENT, help="The time to run at; default: the clock's.")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the task, such as series=PUMP-1:flow; repeat for more.",
)
@click.pass_obj
def run_command(
    platform: Platform,
    task: str,
    as_json: bool,
    dry_run: bool,
    slot: datetime | None,
    now: datetime | None,
    params: tuple[str, ...],
) -> int:
    """Run one slot of TASK, such as ml_health_check, and say what happened."""
    with show_progress() as progress, stop_on_signal() as should_stop:
        result = run_task(
            platform,
            task,
            now=now or datetime.now(UTC),
            slot=slot,
            params=parse_params(params),
            dry_run=dry_run,
            should_stop=should_stop,
            progress=progress,
        )
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    return result.outcome.exit_code


def parse_params(given: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE pairs as a mapping; anything else is wrong usage."""
    pairs = {}
    for item in given:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--param {item!r} is not of the form NAME=VALUE")
        pairs[name] = value
    return pairs


def print_result(result: TaskResult) -> None:
    """A run for people: outcome, reason, figures, findings."""
    colour = _COLOURS.get(result.outcome, "red")
    dry = dry_words(result.dry_run)
    errors.print(f"[bold]{result.task}[/bold] slot {result.slot:%Y-%m-%d %H:%M}Z: ", end="")
    errors.print(f"[{colour}]{result.outcome.value}[/{colour}]{dry}")
    if result.reason:
        errors.print(f"  {result.reason}", markup=False, soft_wrap=True)
    for name, value in result.counts.items():
        output.print(f"  {name.replace('_', ' '):<28} {value:,}")
    if result.findings:
        table = Table("severity", "check", "series", "what")
        for finding in result.findings:
            cells = (str(finding.get(key) or "") for key in ("severity", "check", "series", "message"))
            table.add_row(*map(escape, cells))
        output.print(table)
