"""Two replays side by side, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ml_core.domain.replay_count import ComparedCount, Comparison, Measure

DAILY = {
    Measure.FLAGGED: "flagged",
    Measure.EPISODES: "episodes",
    Measure.ALERTS: "alerts",
    Measure.PROMOTED: "promoted",
    Measure.REFUSED: "refused",
    Measure.DEGRADED: "degraded",
    Measure.INCIDENTS: "incidents",
    Measure.ISSUES: "issues",
}
"""What is told of each day, and its heading."""


def tell_totals(comparison: Comparison, title: str) -> Table:
    """One row a figure; the column of differences only where two replays are compared."""
    table = Table("over all days", title=title, box=SIMPLE_HEAD)
    headings = ("today's settings",) if comparison.changed is None else ("today's settings", "with --set", "difference")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in comparison.totals():
        table.add_row(row.label, *_tell(row))
    return table


def tell_days(comparison: Comparison) -> Table:
    """One row a day; `3 > 5` is today's figure and that of the other settings."""
    caption = None if comparison.changed is None else "3 > 5: three under today's settings, five with --set"
    table = Table("day (UTC)", caption=caption, box=SIMPLE_HEAD)
    for heading in DAILY.values():
        table.add_column(heading, justify="right")
    courses = [comparison.course(measure) for measure in DAILY]
    for place, day in enumerate(comparison.days):
        table.add_row(f"{day:%Y-%m-%d}", *_tell_day(courses, place))
    return table


def _tell(row: ComparedCount) -> Iterator[str]:
    yield f"{row.today:,}"
    if row.changed is not None:
        yield f"{row.changed:,}"
        yield f"{row.changed - row.today:+,}" if row.changed != row.today else "="


def _tell_day(courses: Sequence[tuple[list[int], list[int] | None]], place: int) -> Iterator[str]:
    for today, changed in courses:
        before = today[place]
        after = before if changed is None else changed[place]
        yield f"{before:,}" if before == after else f"{before:,} > {after:,}"
