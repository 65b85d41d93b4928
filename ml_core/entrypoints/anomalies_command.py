"""`ml-health anomalies`: what was flagged lately, with the ids that verdicts are given on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from ml_core.bootstrap import Platform
from ml_core.domain.scoring.anomaly import Anomaly
from ml_core.entrypoints.console import MOMENT, output, print_json, print_table
from ml_core.services.named_series import list_named

DEFAULT_DAYS = 7


@click.command("anomalies")
@click.option("--series", help="Only this series, DEVICE:METRIC.")
@click.option("--since", type=MOMENT, help=f"From when on; default: the last {DEFAULT_DAYS} days.")
@click.option("--unreviewed", is_flag=True, help="Only those that nobody has judged yet.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--now", type=MOMENT, help="The time to look from; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def anomalies_command(
    platform: Platform,
    series: str | None,
    since: datetime | None,
    unreviewed: bool,
    limit: int,
    now: datetime | None,
    as_json: bool,
) -> None:
    """List flagged readings, the newest first."""
    until = now or datetime.now(UTC)
    found = platform.anomalies.list_flagged(
        after=since or until - timedelta(days=DEFAULT_DAYS),
        until=until,
        series_ids=None if series is None else [it.series_id for it in list_named(platform.series, series)],
        unreviewed=unreviewed,
        limit=limit,
    )
    if as_json:
        print_json({"anomalies": [_describe(anomaly) for anomaly in found]})
    elif found:
        print_table(_tabulate(found))
    else:
        output.print("nothing was flagged" + (" that nobody has judged" if unreviewed else ""))


def _describe(anomaly: Anomaly) -> dict[str, Any]:
    return {
        "id": str(anomaly.detection_id),
        "series": str(anomaly.key),
        "at": anomaly.timestamp.isoformat(),
        "value": anomaly.value,
        "score": anomaly.score,
        "severity": anomaly.severity,
        "expected": [anomaly.band_low, anomaly.band_high],
        "episode": anomaly.episode_id,
        "verdict": None if anomaly.verdict is None else anomaly.verdict.words,
    }


def _tabulate(found: Sequence[Anomaly]) -> Table:
    table = Table("at", "series", "value", "expected", "severity", "episode", "verdict", "id", box=None)
    for it in found:
        table.add_row(
            f"{it.timestamp:%m-%d %H:%M:%S}Z",
            escape(str(it.key)),
            _figure(it.value),
            f"{_figure(it.band_low)} to {_figure(it.band_high)}",
            _figure(it.severity),
            "" if it.episode_id is None else str(it.episode_id),
            "" if it.verdict is None else it.verdict.words,
            str(it.detection_id),
        )
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
