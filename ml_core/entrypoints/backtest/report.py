"""What a backtest says at its end, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape

from ml_core.domain.replay_count import ComparedCount, Comparison
from ml_core.entrypoints.backtest.recording import Choice, Recording
from ml_core.entrypoints.backtest.replay import Replayed
from ml_core.entrypoints.backtest.table import tell_days, tell_totals
from ml_core.entrypoints.console import errors, output, print_table

SHOWN = 5
"""Refusals and problems of a replay that are told in words; JSON holds all."""


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Everything that was found."""

    begin: datetime
    end: datetime
    changes: Sequence[str]
    choice: Choice
    recording: Recording
    today: Replayed
    changed: Replayed | None

    @property
    def comparison(self) -> Comparison:
        """The figures side by side."""
        return Comparison(
            first_day=self.begin.date(),
            last_day=self.end.date(),
            today=self.today.counts,
            changed=None if self.changed is None else self.changed.counts,
        )

    @property
    def title(self) -> str:
        """What was replayed, in a line."""
        n, found = len(self.recording.chosen), self.recording.found
        return f"{n:,} of {found:,} series, {self.begin:%Y-%m-%d %H:%M}Z to {self.end:%Y-%m-%d %H:%M}Z"

    @property
    def problems(self) -> list[str]:
        """What went wrong in either replay."""
        return [f"{name}: {problem}" for name, replayed in self.replays() for problem in replayed.problems]

    def replays(self) -> Iterator[tuple[str, Replayed]]:
        """Each replay with its name."""
        yield "today's settings", self.today
        if self.changed is not None:
            yield f"with {', '.join(self.changes)}", self.changed

    def to_json(self) -> dict[str, Any]:
        """All of it as one object."""
        comparison = self.comparison
        return {
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "set": list(self.changes),
            "series": {
                "replayed": [str(key) for key in self.recording.chosen],
                "found": self.recording.found,
                "seed": None if self.choice.named or self.choice.size is None else self.choice.seed,
            },
            "totals": [_row(row) for row in comparison.totals()],
            "days": [
                {"day": day.isoformat(), "counts": [_row(row) for row in comparison.of_day(day)]}
                for day in comparison.days
            ],
            "replays": [
                {
                    "settings": name,
                    "modelled_series": replayed.modelled,
                    "refusals": list(replayed.refusals),
                    "problems": list(replayed.problems),
                }
                for name, replayed in self.replays()
            ],
        }


def _row(row: ComparedCount) -> dict[str, Any]:
    return {"what": row.label, "today": row.today, "changed": row.changed}


def print_backtest(backtest: Backtest) -> None:
    """The tables, then some refusals of each replay in words."""
    print_table(tell_totals(backtest.comparison, escape(backtest.title)))
    print_table(tell_days(backtest.comparison))
    for name, replayed in backtest.replays():
        modelled = f"{name}: {replayed.modelled:,} of {len(backtest.recording.chosen):,} series have a model at the end"
        output.print(f"{modelled}; {len(replayed.refusals):,} models were refused", soft_wrap=True, markup=False)
        for refusal in replayed.refusals[:SHOWN]:
            told = f"  {refusal['at'][:10]} {refusal['series']}: {refusal['reason']}"
            output.print(told, soft_wrap=True, markup=False)
        if len(replayed.refusals) > SHOWN:
            output.print("  ... --json tells all of them", markup=False)


def warn(backtest: Backtest) -> None:
    """On stderr: that this is a sample, and what went wrong."""
    n, choice = len(backtest.recording.chosen), backtest.choice
    if n < backtest.recording.found and not choice.named:
        told = f"a sample of {n:,} of {backtest.recording.found:,} series (seed {choice.seed}); --all replays every one"
        errors.print(told, soft_wrap=True, markup=False)
    for problem in backtest.problems[:SHOWN]:
        errors.print(problem, soft_wrap=True, markup=False)
    if len(backtest.problems) > SHOWN:
        errors.print(f"and {len(backtest.problems) - SHOWN:,} more problems; --json tells all of them", markup=False)
