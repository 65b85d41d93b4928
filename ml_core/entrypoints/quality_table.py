"""The quality of detectors as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ml_core.domain.evaluation.bootstrap import Estimate
from ml_core.domain.evaluation.quality import Quality

MEASURES = (
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
CAPTION = "second line: 95 % interval over series; delay: median in readings"


def tell_measures(quality: Quality) -> list[str]:
    """A text for each of MEASURES, with its interval where there are several series."""

    def tell(figure: Estimate | None, form: str, beside: str = "") -> str:
        if figure is None:
            return "-"
        interval = f"\n[dim]{figure.low:{form}} .. {figure.high:{form}}[/dim]" if quality.n_series > 1 else ""
        return f"{figure.value:{form}}{beside}{interval}"

    return [
        tell(quality.vus_pr, ".3f"),
        tell(quality.nab, ".1f"),
        tell(quality.nab_optimum, ".1f"),
        tell(quality.recall, ".2f", "" if quality.chance is None else f" ({quality.chance.value:.2f})"),
        tell(quality.skill, ".2f"),
        tell(quality.false_alarms_per_1000, ".2f"),
        tell(quality.false_alarms_per_day, ".3g"),
        tell(quality.flagged_per_1000, ".1f"),
        "-" if quality.delay_readings is None else f"{quality.delay_readings:.0f}",
    ]


def compare_detectors(title: str, qualities: Sequence[tuple[str, Quality]]) -> Table:
    """A row a measure and a column a detector: few detectors, any terminal."""
    table = Table("measure", title=title, caption=CAPTION, box=SIMPLE_HEAD)
    for name, quality in qualities:
        refused = f"\n[dim]{quality.n_refused} not learned[/dim]" if quality.n_refused else ""
        table.add_column(f"{escape(name)}{refused}", justify="right")
    for measure, *texts in zip(MEASURES, *(tell_measures(quality) for _, quality in qualities), strict=True):
        table.add_row(measure, *texts)
    return table


def list_detectors(title: str, rows: Sequence[tuple[str, Quality, Sequence[str]]], more: Sequence[str]) -> Table:
    """A row a detector, with more columns behind the measures: many detectors, a wide terminal."""
    table = Table(title=title, caption=CAPTION, box=SIMPLE_HEAD)
    table.add_column("detector", no_wrap=True)
    for heading in (*MEASURES, *more):
        table.add_column(heading, justify="right")
    for name, quality, texts in rows:
        refused = f"\n[dim]{quality.n_refused} not learned[/dim]" if quality.n_refused else ""
        table.add_row(f"{escape(name)}{refused}", *tell_measures(quality), *texts)
    return table
