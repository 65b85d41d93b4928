"""`ml-health maintenance`: times in which somebody works on machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from ml_core.bootstrap import Platform
from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip
from ml_core.entrypoints.console import LINE, MOMENT, dry_words, output, print_json, print_table, whoami
from ml_core.errors import ConfigurationError

SHOWN_DAYS = 30


class SkipsType(click.ParamType[frozenset[Skip]]):
    """Names of what is left out, joined by commas."""

    name = "skips"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[Skip]:
        """The names as a set; an unknown one is refused."""
        if isinstance(value, frozenset):
            return value
        try:
            return frozenset(Skip(word.strip()) for word in value.split(","))
        except ValueError:
            self.fail(f"{value!r}: write alerts, training or alerts,training", param, ctx)


@click.group("maintenance")
def maintenance_command() -> None:
    """Keep the calendar of maintenance: no alerts, no learning, or neither, while machines are worked on."""


@maintenance_command.command("add")
@click.argument("pattern", type=LINE)
@click.option("--from", "begins_at", type=MOMENT, required=True, help="When it begins, such as 2026-01-31T02:00:00Z.")
@click.option("--to", "ends_at", type=MOMENT, required=True, help="When it ends.")
@click.option(
    "--skip",
    "skips",
    type=SkipsType(),
    default="alerts,training",
    show_default=True,
    help="What to skip: alerts, training, or both.",
)
@click.option("--reason", type=LINE, help="Why; kept with each alert that is spared.")
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--now", type=MOMENT, help="The time of the entry; default: the clock's.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def add_command(
    platform: Platform,
    pattern: str,
    begins_at: datetime,
    ends_at: datetime,
    skips: frozenset[Skip],
    reason: str | None,
    by: str | None,
    now: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Enter a time for the series that PATTERN matches, such as 'PUMP-1:*' or '*:temperature'.

    Also of a time that is past: alerts that were told stay told, but its readings are not learned from any more.
    """
    if ends_at <= begins_at:
        raise click.UsageError("--to must be after --from")
    time = QuietTime(
        kind=QuietKind.MAINTENANCE,
        pattern=pattern,
        begins_at=begins_at,
        ends_at=ends_at,
        skips=skips,
        reason=reason,
        created_by=by or whoami(),
        created_at=now or datetime.now(UTC),
    )
    quiet_id = None if dry_run else platform.calendar.add(time)
    matched = sum(time.is_about(record.key) for record in platform.series.list_series())
    if as_json:
        print_json({"id": quiet_id, "pattern": pattern, "matched": matched, "dry_run": dry_run})
    else:
        number = "" if quiet_id is None else f" {quiet_id}"
        words = f"maintenance{number} of {pattern} ({matched} series now): {_span(time)}{dry_words(dry_run)}"
        output.print(words, markup=False, soft_wrap=True)


@maintenance_command.command("list")
@click.option("--now", type=MOMENT, help="The time to look from; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_command(platform: Platform, now: datetime | None, as_json: bool) -> None:
    """List what was, is and will be, snoozes too; from a month ago on."""
    moment = now or datetime.now(UTC)
    times = platform.calendar.list_times(after=moment - timedelta(days=SHOWN_DAYS))
    if as_json:
        print_json({"times": [_describe(time) for time in times]})
    elif times:
        print_table(_tabulate(times))
    else:
        output.print(f"the calendar holds nothing of the last {SHOWN_DAYS} days and nothing to come")


@maintenance_command.command("remove")
@click.argument("number", type=int)
@click.option("--now", type=MOMENT, help="The time of the removal; default: the clock's.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def remove_command(platform: Platform, number: int, now: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Take entry NUMBER out, as if it had never been."""
    moment = now or datetime.now(UTC)
    if dry_run:
        listed = platform.calendar.list_times(after=moment - timedelta(days=SHOWN_DAYS))
        found = any(time.quiet_id == number and time.kind is QuietKind.MAINTENANCE for time in listed)
    else:
        found = platform.calendar.remove(number, kind=QuietKind.MAINTENANCE, at=moment)
    if not found:
        raise ConfigurationError(f"there is no maintenance {number}; `ml-health maintenance list` lists them")
    if as_json:
        print_json({"id": number, "removed": not dry_run, "dry_run": dry_run})
    else:
        output.print(f"maintenance {number} is out of the calendar{dry_words(dry_run)}")


def _describe(time: QuietTime) -> dict[str, Any]:
    return {
        "id": time.quiet_id,
        "kind": time.kind.value,
        "pattern": time.pattern,
        "tenant": None if time.tenant is None else str(time.tenant),
        "from": time.begins_at.isoformat(),
        "to": time.ends_at.isoformat(),
        "skip": sorted(skip.value for skip in time.skips),
        "reason": time.reason,
        "by": time.created_by,
    }


def _tabulate(times: Sequence[QuietTime]) -> Table:
    table = Table("number", "what", "series", "when", "by", "reason", box=None)
    for time in times:
        told = (time.kind.value, time.pattern, _span(time), time.created_by, time.reason or "")
        table.add_row(str(time.quiet_id), *map(escape, told))
    return table


def _span(time: QuietTime) -> str:
    skips = " and ".join(f"no {skip.value}" for skip in sorted(time.skips))
    return f"{time.begins_at:%Y-%m-%d %H:%M}Z to {time.ends_at:%Y-%m-%d %H:%M}Z, {skips}"
