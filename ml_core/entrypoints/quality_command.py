"""`ml-health quality`: precision, false positive rate, miss rate and accuracy, as far as people have said."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import MOMENT, output, print_json
from ml_core.services.review_rates import ReviewedFleet, rate_fleet


@click.command("quality")
@click.option("--now", type=MOMENT, help="The time to look from; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def quality_command(platform: Platform, now: datetime | None, as_json: bool) -> None:
    """Say how good detection is, with the number of reviews and the interval at 95 %."""
    policy, until = platform.settings.health, now or datetime.now(UTC)
    fleet = rate_fleet(
        platform.series,
        platform.verdicts,
        platform.audits,
        after=until - timedelta(days=policy.verdict_days),
        until=until,
        min_reviews=policy.min_verdicts,
    )
    if as_json:
        print_json(asdict(fleet))
        return
    for title, text in render_quality(fleet, days=policy.verdict_days):
        output.print(f"[bold]{title:<21}[/bold]", end="")
        output.print(text, markup=False, soft_wrap=True)


def render_quality(fleet: ReviewedFleet, *, days: float) -> list[tuple[str, str]]:
    """Title and text of each line."""
    counts, quality = fleet.counts, fleet.quality
    return [
        ("Scored", f"{fleet.scored:,} readings in {days:g} days, {fleet.flagged:,} of them flagged"),
        ("Reviewed", f"{counts.reviews} episodes ({counts.alarms} alarms) and {counts.audited} audited hours"),
        ("Precision", str(quality.precision)),
        ("False positive rate", str(quality.false_positive_rate)),
        ("Miss rate", str(quality.miss_rate)),
        ("Accuracy", str(quality.accuracy)),
    ]
