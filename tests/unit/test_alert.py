"""What people are told of an episode, and what they are spared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.scoring.alert import AlertKind, tell_episode
from ml_core.domain.scoring.episode import Episode

START = datetime(2025, 3, 1, tzinfo=UTC)
EVERY = timedelta(hours=4)


def at(hours: float) -> datetime:
    """A moment after START."""
    return START + timedelta(hours=hours)


def episode(last_hour: float = 0, *, closed: float | None = None) -> Episode:
    """One that opened at START."""
    return Episode(
        opened_at=START,
        last_alarm_at=at(last_hour),
        alarms=1,
        peak_score=-1,
        peak_value=9,
        peak_at=START,
        closed_at=None if closed is None else at(closed),
    )


def follow(
    hours: list[float], *, closed: float | None = None, spared: tuple[float, float] | None = None
) -> list[tuple[str, float, bool]]:
    """Kind, hour and whether it is told, of an episode with an alarm at each hour, one batch an alarm."""

    def is_spared(moment: datetime) -> str | None:
        return "spared" if spared and at(spared[0]) <= moment < at(spared[1]) else None

    current, told = episode(), []
    for hour in hours:
        current = replace(current, last_alarm_at=at(hour))
        current, alerts = tell_episode(current, is_spared, update_every=EVERY)
        told += alerts
    if closed is not None:
        _, alerts = tell_episode(replace(current, closed_at=at(closed)), is_spared, update_every=EVERY)
        told += alerts
    return [
        (alert.kind.value, (alert.happened_at - START).total_seconds() / 3600, alert.skipped_reason is None)
        for alert in told
    ]


def test_opening_course_and_end_are_told_once_each() -> None:
    """An alarm an hour: the opening, one word every four hours, the end."""
    assert follow([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], closed=10) == [
        ("opened", 0, True), ("updated", 4, True), ("updated", 8, True), ("closed", 10, True),
    ]  # fmt: skip


def test_a_short_episode_in_one_batch_is_told_twice() -> None:
    """That it opened and that it is over."""
    assert follow([0], closed=1) == [("opened", 0, True), ("closed", 1, True)]


def test_what_goes_on_after_maintenance_is_told_then() -> None:
    """The opening was spared and kept; the first alarm after it is told as an opening, and so is the end."""
    assert follow([0, 1, 2, 3], closed=4, spared=(0, 1.5)) == [
        ("opened", 0, False), ("opened", 2, True), ("closed", 4, True),
    ]  # fmt: skip


def test_an_episode_that_was_spared_ends_unheard() -> None:
    """Who did not hear of it is not told that it is over, also where the time of quiet has passed."""
    assert follow([0, 5], closed=9, spared=(0, 6)) == [
        ("opened", 0, False), ("updated", 5, False), ("closed", 9, False),
    ]  # fmt: skip


@given(st.lists(st.floats(0, 100), max_size=40), st.tuples(st.floats(0, 100), st.floats(0, 100)))
def test_an_end_is_told_only_after_an_opening_and_words_keep_their_distance(
    hours: list[float], spared: tuple[float, float]
) -> None:
    """Whatever is spared, whoever listens hears one opening, at most, before anything else."""
    heard = [word for word in follow(sorted(hours), closed=101, spared=spared) if word[2]]
    kinds = [kind for kind, _, _ in heard]
    updates = [hour for kind, hour, _ in heard if kind == AlertKind.UPDATED]

    assert kinds.count("opened") <= 1
    assert kinds[:1] in ([], ["opened"])
    assert all(later - earlier >= 4 - 1e-6 for earlier, later in pairwise(updates))
