"""`ml-health backtest`: what other settings would have done with the site's own history."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.backtest.picture import draw_comparison
from ml_core.entrypoints.backtest.platforms import ReadOnlySite
from ml_core.entrypoints.backtest.recording import Choice, Progress, record_site
from ml_core.entrypoints.backtest.replay import Replayed, replay
from ml_core.entrypoints.backtest.report import Backtest, print_backtest, warn
from ml_core.entrypoints.backtest.variants import look_back, shut_in, vary
from ml_core.entrypoints.backtest.workshop import open_workshop
from ml_core.entrypoints.console import MOMENT, errors, print_json, show_progress, stop_on_signal
from ml_core.errors import ConfigurationError
from ml_core.settings import Settings

SAMPLE = 50


@click.command("backtest")
@click.option("--from", "begin", type=MOMENT, required=True, help="When the replay begins: first models are made then.")
@click.option("--to", "end", type=MOMENT, required=True, help="When it ends; not in the future.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Another setting, such as gate.drift_margin=0.15; repeat for more.",
)
@click.option("--series", "named", multiple=True, metavar="DEVICE:METRIC", help="Only this series; repeat for more.")
@click.option("--sample", type=click.IntRange(min=1), default=SAMPLE, show_default=True, help="Series drawn at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="What the draw depends on.")
@click.option("--all", "every", is_flag=True, help="Every series instead of a sample.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw both over time into this PNG.")
@click.pass_obj
def backtest_command(
    platform: Platform,
    begin: datetime,
    end: datetime,
    changes: tuple[str, ...],
    named: tuple[str, ...],
    sample: int,
    seed: int,
    every: bool,
    as_json: bool,
    plot: Path | None,
) -> int:
    """Replay history under other settings, beside today's: alarms, retrains, degradations and issues, by day.

    The site's database is read and never written; nobody is told anything. Exit code 1 where a run failed.
    """
    _check_span(begin, end)
    if plot is not None:
        _check_place(plot)
    choice = Choice(named=named, size=None if every else sample, seed=seed)
    variant = vary(platform.settings, changes) if changes else None
    with show_progress() as progress, stop_on_signal() as should_stop:
        backtest = run_backtest(
            platform.settings,
            variant,
            changes=changes,
            choice=choice,
            begin=begin,
            end=end,
            progress=progress,
            should_stop=should_stop,
        )
    if as_json:
        print_json(backtest.to_json())
    else:
        print_backtest(backtest)
    if plot is not None:
        draw_comparison(plot, backtest.comparison, title=f"{backtest.title}   {', '.join(changes)}")
        errors.print(f"drawn: {plot}", soft_wrap=True, markup=False)
    warn(backtest)
    return 1 if backtest.problems else 0


def run_backtest(
    settings: Settings,
    variant: Settings | None,
    *,
    changes: tuple[str, ...],
    choice: Choice,
    begin: datetime,
    end: datetime,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Backtest:
    """Record the site once, then replay it under each of the settings."""
    history = max(look_back(rules) for rules in (settings, variant or settings))
    with open_workshop(settings.home) as folder, closing(ReadOnlySite(settings)) as site:
        recording = record_site(site, folder, choice, begin=begin, end=end, history=history, progress=progress)

        def play(rules: Settings, what: str, home: str) -> Replayed:
            inside = shut_in(rules, folder / home)
            inside.home.mkdir()
            return replay(
                inside, recording, begin=begin, end=end, what=what, progress=progress, should_stop=should_stop
            )

        return Backtest(
            begin=begin,
            end=end,
            changes=changes,
            choice=choice,
            recording=recording,
            today=play(settings, "today's settings", "today"),
            changed=None if variant is None else play(variant, "other settings", "other"),
        )


def _check_place(plot: Path) -> None:
    """A replay takes minutes: what can be drawn nowhere is refused before it."""
    if plot.suffix.lower() != ".png":
        raise ConfigurationError(f"--plot {plot}: name a file that ends in .png")
    try:
        plot.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(f"--plot {plot}: its folder cannot be made: {exc.strerror}") from exc
    if not os.access(plot if plot.exists() else plot.parent, os.W_OK):
        raise ConfigurationError(f"--plot {plot}: it cannot be written")


def _check_span(begin: datetime, end: datetime) -> None:
    if begin >= end:
        raise ConfigurationError(f"--to {end.isoformat()} must lie after --from {begin.isoformat()}")
    if end > (now := datetime.now(UTC)):
        raise ConfigurationError(f"--to {end.isoformat()} is yet to come; it is {now.isoformat(timespec='seconds')}")
