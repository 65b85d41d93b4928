"""`ml-health audit`: hours drawn at random in which nothing, or not all, was flagged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from ml_core.bootstrap import Platform
from ml_core.domain.scoring.anomaly import AuditedHour
from ml_core.entrypoints.console import MOMENT, output, print_json, print_table


@click.command("audit")
@click.option("--all", "with_answered", is_flag=True, help="Those that were answered, too.")
@click.option("--now", type=MOMENT, help="The time to look from; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def audit_command(platform: Platform, with_answered: bool, now: datetime | None, as_json: bool) -> None:
    """List hours of unflagged readings that wait for a look: `ml-health verdict ID normal`, or missed.

    They were drawn at random, so the answers tell how often anomalies are missed: it matters to answer all of
    them, and not only the striking ones.
    """
    until = now or datetime.now(UTC)
    hours = platform.audits.list_hours(
        after=until - timedelta(days=platform.settings.health.verdict_days), until=until, unanswered=not with_answered
    )
    if as_json:
        print_json({"hours": [_describe(hour) for hour in hours]})
    elif hours:
        print_table(_tabulate(hours))
    else:
        output.print("no hour waits for a look; ml_audit draws some each night")


def _describe(hour: AuditedHour) -> dict[str, Any]:
    return {
        "id": str(hour.sample_id),
        "series": str(hour.key),
        "hour": hour.hour.isoformat(),
        "readings": hour.readings,
        "probability": hour.probability,
        "verdict": None if hour.verdict is None else hour.verdict.words,
    }


def _tabulate(hours: Sequence[AuditedHour]) -> Table:
    table = Table("hour from", "series", "unflagged readings", "verdict", "id", box=None)
    for hour in hours:
        table.add_row(
            f"{hour.hour:%Y-%m-%d %H:%M}Z",
            escape(str(hour.key)),
            str(hour.readings),
            "" if hour.verdict is None else hour.verdict.words,
            str(hour.sample_id),
        )
    return table
