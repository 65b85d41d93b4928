"""What every command shares: progress and words on stderr, results on stdout, moments and stop requests."""

from __future__ import annotations

import getpass
import json
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

errors = Console(stderr=True, highlight=False)
"""Words for people; never mixed into the output that a machine reads."""
output = Console(highlight=False)
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Between them, days can be added to a moment and taken off."""
WIDE = 200
"""Columns that a table may take."""


class MomentType(click.ParamType[datetime]):
    """A moment in time with its zone, such as 2026-01-31T02:00:00Z."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment in UTC; a text without a zone, or of another age, is refused."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment; write 2026-01-31T02:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no time zone; in UTC it is {moment:%Y-%m-%dT%H:%M:%S}Z", param, ctx)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            self.fail(f"{value!r} must be of the years {FIRST_YEAR} to {LAST_YEAR}", param, ctx)
        return moment.astimezone(UTC)


MOMENT = MomentType()


class LineType(click.ParamType[str]):
    """Words of a person in one line: they are shown to others later, and must not steer a terminal."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The words; control characters, and bytes that are no text, are refused."""
        words = str(value)
        if not words.isprintable():
            self.fail(f"{words!r} holds a control character, which is refused: write one line", param, ctx)
        return words


LINE = LineType()


class FiniteRange(click.FloatRange):
    """A number between bounds, which nan is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; what is none is refused."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


def whoami() -> str:
    """The user of this machine; in a container that knows no name for it, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def print_json(value: Any) -> None:
    """One JSON object on stdout; moments in it are written as they may be given."""
    click.echo(json.dumps(value, indent=2, default=lambda it: it.isoformat() if isinstance(it, datetime) else str(it)))


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr while the block runs, told by (what, done, total); silent without a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        bars: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = bar.add_task(what, total=total)
            bar.update(bars[what], completed=done, total=total)

        yield tell


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Answers whether SIGTERM or SIGINT came while the block runs; work stops at its next batch."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_table(table: Table) -> None:
    """A table for people; in a narrow window its rows go on in the next line, and nothing is cut off."""
    Console(highlight=False, width=max(output.width, WIDE)).print(table)


def dry_words(dry_run: bool) -> str:
    """What is added to the words of a dry run, so that nobody takes it for done."""
    return " (dry run, nothing was changed)" if dry_run else ""
