"""The quality of detectors as a table for people."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ml_core.domain.evaluation.bootstrap import Estimate
from ml_core.domain.evaluation.quality import Quality

HEADINGS = (
    "VUS-PR",
    "NAB",
    "NAB optimum",
    "recall (chance)",
    "skill",
    "false alarms per 1,000",
    "per sensor-day",
    "flagged per 1,000",
    "delay",
)


def new_quality_table(title: str, *more: str) -> Table:
    """An empty table; each figure will stand above its 95 % bootstrap interval over series."""
    caption = "second line: 95 % interval over series; delay: median in readings"
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD)
    table.add_column("detector", no_wrap=True)
    for heading in (*HEADINGS, *more):
        table.add_column(heading, justify="right")
    return table


def fill_quality(table: Table, name: str, quality: Quality, *more: str) -> None:
    """A row for the detector of that name; a single series has no interval."""

    def tell(figure: Estimate | None, form: str, beside: str = "") -> str:
        if figure is None:
            return "-"
        interval = f"\n[dim]{figure.low:{form}} .. {figure.high:{form}}[/dim]" if quality.n_series > 1 else ""
        return f"{figure.value:{form}}{beside}{interval}"

    table.add_row(
        f"{escape(name)}\n[dim]{quality.n_refused} not learned[/dim]" if quality.n_refused else escape(name),
        tell(quality.vus_pr, ".3f"),
        tell(quality.nab, ".1f"),
        tell(quality.nab_optimum, ".1f"),
        tell(quality.recall, ".2f", "" if quality.chance is None else f" ({quality.chance.value:.2f})"),
        tell(quality.skill, ".2f"),
        tell(quality.false_alarms_per_1000, ".2f"),
        tell(quality.false_alarms_per_day, ".3g"),
        tell(quality.flagged_per_1000, ".1f"),
        "-" if quality.delay_readings is None else f"{quality.delay_readings:.0f}",
        *more,
    )
