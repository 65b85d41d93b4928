"""Two replays side by side: every figure of either, every day, and what differs."""

from __future__ import annotations

from datetime import date

from rich.console import Console

from ml_core.domain.replay_count import Comparison, DailyCount, Measure
from ml_core.entrypoints.backtest.table import tell_days, tell_totals

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 1, day) for day in (5, 6, 7))


def count(day: date, measure: Measure, number: int, detail: str = "") -> DailyCount:
    """One figure."""
    return DailyCount(day=day, measure=measure, count=number, detail=detail)


TODAY = [
    count(MONDAY, Measure.EPISODES, 1),
    count(WEDNESDAY, Measure.EPISODES, 2),
    count(MONDAY, Measure.REFUSED, 1),
    count(MONDAY, Measure.REFUSED_BY, 1, "G1"),
]
CHANGED = [
    count(MONDAY, Measure.EPISODES, 1),
    count(WEDNESDAY, Measure.EPISODES, 5),
    count(TUESDAY, Measure.REFUSED_BY, 4, "G5"),
]


def compare(changed: list[DailyCount] | None) -> Comparison:
    """Three days."""
    return Comparison(first_day=MONDAY, last_day=WEDNESDAY, today=TODAY, changed=changed)


def draw(table: object) -> list[list[str]]:
    """The words of each line of a table."""
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def test_totals_hold_both_sides_and_what_either_has_none_of() -> None:
    """A rule that refused on one side only stands on both; what never happened is nought, not missing."""
    totals = {row.label: (row.today, row.changed) for row in compare(CHANGED).totals()}

    assert totals["episodes opened"] == (3, 6)
    assert totals["refused by G1"] == (1, 0)
    assert totals["refused by G5"] == (0, 4)
    assert totals["incidents opened"] == (0, 0)
    assert "check failed" not in totals


def test_totals_come_in_the_order_of_a_night() -> None:
    """First what was scored, last what people are told; rules right behind the refusals."""
    labels = [row.label for row in compare(CHANGED).totals()]

    assert labels[0] == "readings scored"
    assert labels[-1] == "issue comments"
    assert labels[labels.index("models refused") + 1] == "refused by G1"


def test_a_course_has_every_day() -> None:
    """Also one on which nothing happened."""
    assert compare(CHANGED).course(Measure.EPISODES) == ([1, 0, 2], [1, 0, 5])
    assert compare(None).course(Measure.EPISODES) == ([1, 0, 2], None)


def test_the_figures_of_a_day_are_of_that_day_alone() -> None:
    """Rules of other days are not told."""
    rows = {row.label: (row.today, row.changed) for row in compare(CHANGED).of_day(TUESDAY)}

    assert rows["refused by G5"] == (0, 4)
    assert rows["episodes opened"] == (0, 0)
    assert "refused by G1" not in rows


def test_the_tables_say_what_differs() -> None:
    """A difference has its sign, a day both figures; what is alike is told once."""
    totals, days = draw(tell_totals(compare(CHANGED), "title")), draw(tell_days(compare(CHANGED)))

    assert ["episodes", "opened", "3", "6", "+3"] in totals
    assert ["readings", "scored", "0", "0", "="] in totals
    assert ["2026-01-05", "0", "1", "0", "0", "1", ">", "0", "0", "0", "0"] in days
    assert ["2026-01-07", "0", "2", ">", "5", "0", "0", "0", "0", "0", "0"] in days


def test_a_replay_alone_has_one_column() -> None:
    """Without other settings nothing is compared."""
    totals = draw(tell_totals(compare(None), "title"))

    assert ["episodes", "opened", "3"] in totals
    assert not any("difference" in line for line in totals)
