"""`ml-health mute`: quiet one series for a while."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import LINE, MOMENT, dry_words, output, print_json
from ml_core.services.named_series import list_named


@click.command("mute")
@click.argument("series")
@click.option("--until", type=MOMENT, help="When it may be heard again, such as 2026-01-31T02:00:00Z.")
@click.option("--reason", type=LINE, help="Why; shown beside the series.")
@click.option("--now", type=MOMENT, help="The time to mute at; default: the clock's.")
@click.option("--off", is_flag=True, help="End the muting now.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def mute_command(
    platform: Platform,
    series: str,
    until: datetime | None,
    reason: str | None,
    now: datetime | None,
    off: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Keep the findings of SERIES (DEVICE:METRIC or @NUMBER) from issues and the host; checks go on."""
    if (until is None) != off:
        raise click.UsageError("give either --until MOMENT or --off")
    if until is not None and until <= (now or datetime.now(UTC)):
        raise click.UsageError(f"--until {until:%Y-%m-%d %H:%M}Z has passed; give a moment to come, or --off")
    found = list_named(platform.series, series)
    for record in found if not dry_run else ():
        platform.series.mute(record.key, until=until, reason=reason)
    if as_json:
        told = {"series": series, "muted_until": until, "reason": reason, "matched": len(found), "dry_run": dry_run}
        print_json(told)
    else:
        words = "is heard again now" if off else f"is quiet until {until:%Y-%m-%d %H:%M}Z"
        output.print(f"{series} {words}{dry_words(dry_run)}", markup=False, soft_wrap=True)
