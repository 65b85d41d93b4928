"""What counts as an episode, as detected, as false and as luck."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.evaluation.protocol import count_training_readings, find_episodes, tally_alarms
from tests.unit.evaluated_series import flags, labelled, residues

N = 1000


@pytest.mark.parametrize(("n", "expected"), [(100, 15), (4032, 604), (5000, 750), (16_000, 750), (7, 1)])
def test_training_is_the_probationary_period(n: int, expected: int) -> None:
    """Fifteen percent, at most 750 readings."""
    assert count_training_readings(n) == expected


def test_alarms_at_most_ten_readings_apart_are_one_episode() -> None:
    """Ten readings on is the same episode, eleven on is the next."""
    assert find_episodes(flags(100, 5, 15, 26, 40)).tolist() == [[5, 15], [26, 26], [40, 40]]


def test_no_alarm_is_no_episode() -> None:
    """Nothing flagged, nothing told."""
    assert find_episodes(flags(100)).shape == (0, 2)


def test_an_episode_detects_only_where_it_starts() -> None:
    """An alarm that was on before the event began has told nobody of it."""
    before = tally_alarms(labelled(np.zeros(N), (100, 199), alarms=flags(N, *range(95, 150))))
    inside = tally_alarms(labelled(np.zeros(N), (100, 199), alarms=flags(N, *range(105, 150))))

    assert (before.detected, before.false_alarms) == (0, 0)
    assert (inside.detected, inside.false_alarms) == (1, 0)
    assert (inside.delays, inside.delay_shares) == ((5,), (0.05,))


def test_an_episode_that_touches_no_event_is_one_false_alarm() -> None:
    """However many readings it flags; before, between and behind events."""
    alarms = flags(N, 10, 15, 20, 150, 300, 301, 900)
    tally = tally_alarms(labelled(np.zeros(N), (100, 199), (500, 599), alarms=alarms))

    assert (tally.detected, tally.false_alarms, tally.flagged_normal_points) == (1, 3, 6)
    assert (tally.normal_points, tally.normal_days) == (800, 800 / 144)


def test_an_event_that_began_in_training_is_judged_from_the_first_scored_reading() -> None:
    """Its delay counts from there."""
    tally = tally_alarms(labelled(np.zeros(N), (-50, 49), alarms=flags(N, 10)))

    assert (tally.detected, tally.delays, tally.normal_points) == (1, (10,), 950)


def test_alarms_all_over_have_no_skill() -> None:
    """A random detector's recall is its chance recall."""
    windows = [(start, start + 99) for start in range(200, 19_000, 1000)]
    tally = tally_alarms(labelled(np.zeros(20_000), *windows, alarms=residues(20_000, 7919, 20_011) > 0.99))

    assert tally.detected == pytest.approx(tally.chance, abs=2.0)
    assert 5 < tally.chance < 19


def test_alarms_at_each_event_and_nowhere_else_are_no_luck() -> None:
    """A perfect detector's chance is far below its recall."""
    tally = tally_alarms(labelled(np.zeros(N), (100, 119), (503, 522), alarms=flags(N, 100, 503)))

    assert tally.detected == 2
    assert tally.chance < 0.2


places = st.lists(st.integers(0, N - 1), max_size=40)


@given(places, st.integers(-20, N - 1), st.integers(0, 80))
def test_every_episode_is_false_or_touches_the_event(alarms: list[int], first: int, length: int) -> None:
    """Counts agree with the definition, one by one."""
    last = max(first + length, 0)
    tally = tally_alarms(labelled(np.zeros(N), (first, last), alarms=flags(N, *alarms)))
    episodes = find_episodes(flags(N, *alarms)).tolist()

    assert tally.false_alarms == sum(end < first or start > last for start, end in episodes)
    assert tally.detected == int(any(first <= start <= last for start, _ in episodes))
    assert sum(start in alarms and end in alarms for start, end in episodes) == len(episodes)
