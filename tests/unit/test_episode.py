"""Episodes: alarms that belong together are told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.scoring.episode import QUIET_READINGS, Episode, count_alarms, follow_episodes

START = datetime(2025, 3, 1, tzinfo=UTC)
scores_of_a_day = st.lists(st.sampled_from([-3.0, -1.0, 0.0, 1.0, 2.0, 5.0]), max_size=80)


def _at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


HOLDS_FROM = 0.0
"""In these tests a score from here to below 1 is over half of the threshold."""


def _scored(scores: list[float], first_minute: int = 0) -> ScoredReadings:
    figures = np.array(scores, dtype=np.float64)
    minutes = np.arange(first_minute, first_minute + len(scores)).astype("timedelta64[m]")
    stamps = np.datetime64(START.replace(tzinfo=None), "us") + minutes
    return ScoredReadings(
        timestamps=stamps.astype("datetime64[us]"),
        values=figures * 10,
        scores=figures,
        confidences=np.ones(len(scores)),
        severities=np.zeros(len(scores)),
        band_low=figures,
        band_high=figures,
        holds=(figures >= HOLDS_FROM) & (figures < 1),
    )


def _still_open(told: list[Episode], before: Episode | None) -> Episode | None:
    last = told[-1] if told else before
    return None if last is None or last.closed_at is not None else last


def test_quiet_readings_tell_nothing() -> None:
    """Without an alarm there is no episode."""
    assert follow_episodes(None, _scored([1.0] * 30)) == []


def test_alarms_near_each_other_are_one_episode_with_its_worst_reading() -> None:
    """Two alarms nine readings apart are one episode, and its peak is the lowest score."""
    told = follow_episodes(None, _scored([1.0, -1.0, *[2.0] * (QUIET_READINGS - 1), -3.0]))

    assert told == [
        Episode(opened_at=_at(1), last_alarm_at=_at(11), alarms=2, peak_score=-3.0, peak_value=-30.0, peak_at=_at(11))
    ]


def test_an_episode_closes_at_the_tenth_quiet_reading() -> None:
    """Ten readings without an alarm close it; the next alarm opens another."""
    told = follow_episodes(None, _scored([-1.0, *[2.0] * QUIET_READINGS, -1.0]))

    assert [(episode.opened_at, episode.closed_at) for episode in told] == [(_at(0), _at(10)), (_at(11), None)]


def test_an_episode_lives_while_the_statistic_stays_over_half_the_threshold() -> None:
    """Nine quiet readings, one that holds, nine more: it lives on, with the one alarm it has; ten end it."""
    scores = [-1.0, *[2.0] * 9, 0.5, *[2.0] * 9]

    (alive,) = follow_episodes(None, _scored(scores))
    (closed,) = follow_episodes(None, _scored([*scores, 2.0]))

    assert (alive.alarms, alive.quiet_readings, alive.closed_at) == (1, 9, None)
    assert closed.closed_at == _at(20)


def test_what_holds_opens_nothing() -> None:
    """Half of the threshold is no alarm."""
    assert follow_episodes(None, _scored([0.5] * 30)) == []


def test_a_late_alarm_widens_the_episode_and_does_not_turn_its_time_back() -> None:
    """A late reading before the opening moves the opening; the last alarm stays the newest."""
    opened = follow_episodes(None, _scored([-1.0], first_minute=5))[0]

    told = follow_episodes(opened, _scored([-2.0], first_minute=3))

    assert [(episode.opened_at, episode.last_alarm_at, episode.alarms) for episode in told] == [(_at(3), _at(5), 2)]


@given(scores=scores_of_a_day, cuts=st.lists(st.integers(0, 80), max_size=6))
def test_the_same_readings_in_one_batch_or_in_many_are_the_same_episodes(scores: list[float], cuts: list[int]) -> None:
    """However the readings are cut into batches, each episode ends up the same."""
    at_once = {episode.opened_at: episode for episode in follow_episodes(None, _scored(scores))}
    edges = [0, *sorted(min(cut, len(scores)) for cut in cuts), len(scores)]
    in_pieces: dict[datetime, Episode] = {}
    current: Episode | None = None
    for first, last in pairwise(edges):
        told = follow_episodes(current, _scored(scores[first:last], first))
        in_pieces |= {episode.opened_at: episode for episode in told}
        current = _still_open(told, current)

    assert at_once == in_pieces


@given(before=scores_of_a_day, scores=scores_of_a_day)
def test_every_alarm_belongs_to_one_episode(before: list[float], scores: list[float]) -> None:
    """The alarms of a batch are shared among its episodes without one lost or counted twice."""
    current = _still_open(follow_episodes(None, _scored(before)), None)
    scored = _scored(scores, len(before))

    counts = count_alarms(current, follow_episodes(current, scored))

    assert sum(counts) == scored.is_anomaly.sum()
    assert all(count >= 0 for count in counts)
