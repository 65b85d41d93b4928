"""`ml-health roll-back`: the version before serves again."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import LINE, MOMENT, dry_words, output, print_json
from ml_core.services.named_series import list_named
from ml_core.services.training.roll_back import roll_back_by_hand


@click.command("roll-back")
@click.argument("series")
@click.option("--reason", type=LINE, required=True, help="Why; stored with the model's event.")
@click.option("--dry-run", is_flag=True, help="Say which version would serve and change nothing.")
@click.option("--now", type=MOMENT, help="The time of the roll back; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def roll_back_command(
    platform: Platform, series: str, reason: str, dry_run: bool, now: datetime | None, as_json: bool
) -> None:
    """Let the version of SERIES (DEVICE:METRIC or @NUMBER) that served last and is whole serve again."""
    promotion = platform.promotion(now=now or datetime.now(UTC))
    served = []
    for record in list_named(platform.series, series):
        version = roll_back_by_hand(
            record, promotion=promotion, artifacts=platform.artifacts, reason=reason, dry_run=dry_run
        )
        served.append(version.version)
    if as_json:
        print_json({"series": series, "dry_run": dry_run, "serves": served})
    else:
        serves = "would serve" if dry_run else "serves"
        output.print(f"{series}: version {', '.join(map(str, served))} {serves} again{dry_words(dry_run)}")
