"""`ml-health snooze`: no alerts of one series for some hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from ml_core.bootstrap import Platform
from ml_core.domain.scoring.quiet_time import QuietKind, QuietTime, Skip, escape_pattern
from ml_core.domain.series import SeriesKey
from ml_core.entrypoints.console import LINE, MOMENT, FiniteRange, dry_words, output, print_json, whoami
from ml_core.services.named_series import list_named

LEAST_HOURS, MAX_HOURS = 1 / 60, 24 * 90


@click.command("snooze")
@click.argument("series")
@click.option("--hours", type=FiniteRange(LEAST_HOURS, MAX_HOURS), help="For how long from now.")
@click.option("--off", is_flag=True, help="End every snooze of the series now.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--reason", type=LINE, help="Why; kept with each alert that is spared.")
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--now", type=MOMENT, help="The time to begin at; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def snooze_command(
    platform: Platform,
    series: str,
    hours: float | None,
    off: bool,
    reason: str | None,
    by: str | None,
    now: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Spare people alerts of SERIES (DEVICE:METRIC or @NUMBER).

    Scoring, checks and issues go on, and what is spared is kept.
    """
    if (hours is None) != off:
        raise click.UsageError("give either --hours N or --off")
    (record,) = list_named(platform.series, series)
    moment = now or datetime.now(UTC)
    until = None if hours is None else moment + timedelta(hours=hours)
    if not dry_run and until is None:
        _end(platform, record.key, moment)
    elif not dry_run and until is not None:
        platform.calendar.add(
            QuietTime(
                kind=QuietKind.SNOOZE,
                # By its own name, whatever it was called here.
                pattern=escape_pattern(str(record.key)),
                tenant=record.key.tenant,
                begins_at=moment,
                ends_at=until,
                skips=frozenset({Skip.ALERTS}),
                reason=reason,
                created_by=by or whoami(),
                created_at=moment,
            )
        )
    if as_json:
        print_json({"series": series, "snoozed_until": until, "reason": reason, "dry_run": dry_run})
    else:
        words = "are told again" if until is None else f"rest until {until:%Y-%m-%d %H:%M}Z"
        output.print(f"alerts of {series} {words}{dry_words(dry_run)}", markup=False, soft_wrap=True)


def _end(platform: Platform, key: SeriesKey, moment: datetime) -> None:
    for time in platform.calendar.list_times(after=moment):
        if time.kind is QuietKind.SNOOZE and time.is_about(key):
            platform.calendar.remove(time.quiet_id, kind=time.kind, at=moment)
