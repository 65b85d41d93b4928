"""`ml-health mute`: quiet one series for a while."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import MOMENT, output, print_json
from ml_core.services.named_series import list_named


@click.command("mute")
@click.argument("series")
@click.option("--until", type=MOMENT, help="When it may be heard again, such as 2026-01-31T02:00:00Z.")
@click.option("--reason", help="Why; shown beside the series.")
@click.option("--now", type=MOMENT, help="The time to mute at; default: the clock's.")
@click.option("--off", is_flag=True, help="End the muting now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def mute_command(
    platform: Platform,
    series: str,
    until: datetime | None,
    reason: str | None,
    now: datetime | None,
    off: bool,
    as_json: bool,
) -> None:
    """Keep the findings of SERIES (DEVICE:METRIC or @NUMBER) from issues and the host; checks go on."""
    if (until is None) != off:
        raise click.UsageError("give either --until MOMENT or --off")
    if until is not None and until <= (now or datetime.now(UTC)):
        raise click.UsageError(f"--until {until:%Y-%m-%d %H:%M}Z has passed; give a moment to come, or --off")
    found = list_named(platform.series, series)
    for record in found:
        platform.series.mute(record.key, until=until, reason=reason)
    if as_json:
        print_json({"series": series, "muted_until": until, "reason": reason, "matched": len(found)})
    else:
        output.print(f"{series} is heard again now" if off else f"{series} is quiet until {until:%Y-%m-%d %H:%M}Z")
