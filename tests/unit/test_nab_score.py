"""The score of the Numenta Anomaly Benchmark, against its own worked examples and a plain re-count."""

from collections.abc import Sequence
from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_core.domain.evaluation.nab_score import find_optimum, normalise, raw_score, scaled_sigmoid, score_alarms
from ml_core.errors import InvalidReadingsError
from tests.unit.evaluated_series import flags, labelled, residues

N = 1000


def test_the_sigmoid_has_the_published_values() -> None:
    """As the scorer's documentation gives them, and -1 from three lengths on."""
    worth = scaled_sigmoid(np.array([-1.0, -0.5, 0.0, 1.0, 3.0, 4.0]))

    assert worth == pytest.approx([0.98661, 0.84828, 0.0, -0.98661, -1.0, -1.0], abs=1e-5)


def test_a_perfect_detector_scores_100() -> None:
    """An alarm at the start of each event and nowhere else."""
    corpus = [labelled(flags(N, 100, 500) * 1.0, (100, 199), (500, 599)), labelled(np.zeros(N), name="quiet")]

    assert score_alarms(corpus) == pytest.approx(100.0)
    assert find_optimum(corpus).score == pytest.approx(100.0)


def test_a_null_detector_scores_0() -> None:
    """No alarm at all; the best threshold of constant scores is none."""
    corpus = [labelled(np.zeros(N), (100, 199))]

    assert score_alarms(corpus) == 0.0
    assert (find_optimum(corpus).score, find_optimum(corpus).threshold) == (0.0, inf)


def test_the_edges_of_a_window_meet_at_zero() -> None:
    """NAB's test: last reading of an event and the first behind it together are worth about nothing."""
    at_end = raw_score(flags(N, 199), labelled(np.zeros(N), (100, 199)).windows)
    behind = raw_score(flags(N, 200), labelled(np.zeros(N), (100, 199)).windows)

    assert at_end == pytest.approx(0.0, abs=0.03)
    assert behind == pytest.approx(-1.0, abs=0.004)


def test_only_the_first_alarm_of_an_event_counts() -> None:
    """NAB's test: a second alarm inside changes nothing."""
    windows = labelled(np.zeros(N), (100, 199)).windows

    assert raw_score(flags(N, 120, 121, 180), windows) == raw_score(flags(N, 120), windows)


def test_a_false_alarm_far_from_any_event_costs_eleven_hundredths() -> None:
    """Each flagged reading, not each episode."""
    assert raw_score(flags(N, 10, 11, 900), []) == pytest.approx(-0.33)


def test_a_corpus_without_events_has_no_score() -> None:
    """There is nothing to be found."""
    with pytest.raises(InvalidReadingsError, match="at least one event"):
        normalise(0.0, 0)


def count_as_nab_does(alarms: NDArray[np.bool_], windows: Sequence[tuple[int, int]]) -> float:
    """Reading by reading, as the published scorer goes through a file."""
    false, found, passed = 0.0, [-1.0 for _ in windows], None
    for place in range(alarms.size):
        inside = next((k for k, (first, last) in enumerate(windows) if first <= place <= last), None)
        if inside is not None:
            first, last = windows[inside]
            passed = inside
            worth = (2 / (1 + exp(-5 * (last - place + 1) / (last - first + 1))) - 1) / (2 / (1 + exp(-5)) - 1)
            found[inside] = max(found[inside], worth) if alarms[place] else found[inside]
        elif alarms[place]:
            away = 3.0 if passed is None else (place - windows[passed][1]) / (windows[passed][1] - windows[passed][0])
            false += 0.11 * (-1.0 if away >= 3 else 2 / (1 + exp(5 * away)) - 1)
    return false + sum(found)


@given(st.lists(st.integers(0, 299), max_size=60))
def test_equals_a_count_reading_by_reading(places: list[int]) -> None:
    """Vectorised or not, the same sum."""
    windows = [(40, 59), (61, 75), (200, 240)]
    alarms = flags(300, *places)

    expected = count_as_nab_does(alarms, windows)
    assert raw_score(alarms, labelled(np.zeros(300), *windows).windows) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 400), st.sampled_from([7, 101, 1009]))
def test_the_sweep_finds_what_trying_every_threshold_finds(multiplier: int, modulus: int) -> None:
    """Ties included, over two series at once."""
    series = [
        labelled(residues(300, multiplier, modulus), (40, 59), (200, 240)),
        labelled(residues(200, multiplier + 3, modulus), (120, 160), name="b"),
    ]
    thresholds = np.unique(np.concatenate([each.scores for each in series]))
    tried = [
        normalise(sum(raw_score(each.scores >= threshold, each.windows) for each in series), 3)
        for threshold in thresholds
    ]

    assert find_optimum(series).score == pytest.approx(max(0.0, *tried), abs=1e-9)
