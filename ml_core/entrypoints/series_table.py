"""Every series in one table: where it stands, and when it can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.entrypoints.console import output, print_json


def print_series(records: Sequence[SeriesRecord], now: datetime, *, as_json: bool) -> None:
    """One row a series; as JSON one object with all of them."""
    rows = [_describe(record, now) for record in sorted(records, key=lambda record: record.key)]
    if as_json:
        print_json({"series": rows})
        return
    table = Table("number", "series", "state", "health", "newest reading", "why", box=None)
    for row in rows:
        newest = row["newest_reading_at"]
        told = (
            row["number"],
            row["series"],
            row["state"],
            row["health"],
            f"{newest:%Y-%m-%d %H:%M}Z" if newest else "",
            row["why"],
        )
        table.add_row(*map(escape, told))
    output.print(table)


def _describe(record: SeriesRecord, now: datetime) -> dict[str, Any]:
    why = "; ".join(record.health_reasons) or record.state_reason or ""
    if record.state is SeriesState.COLLECTING and record.trainable_at is not None:
        why = f"can be trained from {record.trainable_at:%Y-%m-%d %H:%M}Z"
    if record.is_muted(now):
        hidden = f"{record.health}: {why}".rstrip(": ")
        why = f"until {record.muted_until:%Y-%m-%d %H:%M}Z; beneath: {hidden}"
    return {
        "number": record.short_name,
        "series": str(record.key),
        "tenant": str(record.key.tenant),
        "state": record.state.value,
        "health": record.shown_health(now).value,
        "newest_reading_at": record.newest_reading_at,
        "why": why,
    }
