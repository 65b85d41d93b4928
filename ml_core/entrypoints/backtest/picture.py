"""A picture of two replays: what each day brought under today's settings and under the others."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from ml_core.domain.replay_count import Comparison, Measure

PANELS = (
    Measure.EPISODES,
    Measure.ALERTS,
    Measure.PROMOTED,
    Measure.REFUSED,
    Measure.DEGRADED,
    Measure.ISSUES,
)
TITLE_SIGNS = 130
"""How many fit beside each other."""
TODAY, CHANGED = "#3274d9", "#ff780a"


def draw_comparison(path: Path, comparison: Comparison, *, title: str) -> None:
    """Write a PNG into a folder that is there: a panel a measure, two bars a day where two replays are compared."""
    from matplotlib.dates import ConciseDateFormatter, date2num
    from matplotlib.figure import Figure  # without pyplot: no window, no global state
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(11, 7.5), layout="constrained")
    panels = figure.subplots(3, 2, sharex=True).flatten()
    days = date2num(comparison.days)
    for axes, measure in zip(panels, PANELS, strict=True):
        today, changed = comparison.course(measure)
        width = 0.8 if changed is None else 0.4
        axes.bar(days if changed is None else days - width / 2, today, width, color=TODAY, label="today's settings")
        if changed is not None:
            axes.bar(days + width / 2, changed, width, color=CHANGED, label="with --set")
        axes.set_title(f"{measure.value} a day", fontsize=10)
        axes.xaxis_date()
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, max(1, *today, *(changed or [])) * 1.1)
        axes.grid(axis="y", alpha=0.25)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    figure.suptitle("\n".join(wrap(title, TITLE_SIGNS)), fontsize=11)
    figure.savefig(path, dpi=110)
