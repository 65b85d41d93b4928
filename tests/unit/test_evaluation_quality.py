"""A detector's row of the table, and how sure it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.evaluation.bootstrap import estimate
from ml_core.domain.evaluation.labelled_scores import EventWindow, LabelledScores, join_windows
from ml_core.domain.evaluation.quality import assess
from ml_core.errors import InvalidReadingsError
from tests.unit.evaluated_series import flags, labelled, residues

N = 1000


def test_a_corpus_is_judged_by_its_sums() -> None:
    """Long series count for more than short ones; means of ratios would not."""
    quality = assess(
        [
            labelled(np.zeros(N), (100, 199), alarms=flags(N, 110, 800)),
            labelled(np.zeros(200), (50, 99), alarms=flags(200), name="b"),
        ]
    )

    assert (quality.n_series, quality.n_events) == (2, 2)
    assert quality.recall is not None
    assert quality.recall.value == 0.5
    assert quality.false_alarms_per_1000 is not None
    assert quality.false_alarms_per_1000.value == pytest.approx(1000 / 1050)
    assert (quality.delay_readings, quality.delay_share) == (10.0, 0.1)


def test_without_events_only_false_alarms_are_told() -> None:
    """Nobody can recall what never was."""
    quality = assess([labelled(np.zeros(N), alarms=flags(N, 3, 400))])

    assert quality.false_alarms_per_1000 is not None
    assert quality.false_alarms_per_1000.value == 2.0
    assert [quality.vus_pr, quality.nab, quality.nab_optimum, quality.recall, quality.skill] == [None] * 5
    assert quality.delay_readings is None


def test_skill_is_recall_without_luck() -> None:
    """Per corpus, to the last digit."""
    scores = residues(N, 7919, 1009)
    quality = assess([labelled(scores, (100, 199), (600, 650), alarms=scores > 0.97)])

    assert quality.recall is not None
    assert quality.chance is not None
    assert quality.skill is not None
    assert quality.skill.value == pytest.approx(quality.recall.value - quality.chance.value)


def test_the_interval_holds_the_figure_and_narrows_with_series() -> None:
    """Twenty series say more than four."""
    rng = np.random.default_rng(1)
    few, many = (np.column_stack([rng.integers(0, 2, n), np.ones(n)]).astype(float) for n in (8, 400))
    shares = [estimate(counts, lambda sums: sums[:, 0] / sums[:, 1]) for counts in (few, many)]
    widths = [share.high - share.low for share in shares if share is not None and share.low <= share.value]

    assert len(widths) == 2
    assert widths[1] < widths[0] / 3


def test_an_estimate_is_the_same_at_each_call() -> None:
    """A table made again is the table."""
    counts = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 5.0]])

    first, again = (estimate(counts, lambda sums: sums[:, 0] / sums[:, 1]) for _ in range(2))
    assert first == again


def test_events_that_overlap_are_refused() -> None:
    """One event must not be missed twice."""
    with pytest.raises(InvalidReadingsError, match="overlap"):
        labelled(np.zeros(N), (10, 30), (30, 40))


def test_an_event_that_ends_before_it_starts_is_refused() -> None:
    """Bounds are checked where they are made."""
    with pytest.raises(InvalidReadingsError, match="before its start"):
        EventWindow(first=5, last=4)


def test_an_event_outside_of_the_scored_readings_is_refused() -> None:
    """It could never be detected."""
    with pytest.raises(InvalidReadingsError, match="outside"):
        labelled(np.zeros(10), (10, 12))


@pytest.mark.parametrize("scores", [np.array([1.0, np.nan]), np.array([1.0]), np.array([])])
def test_scores_that_cannot_be_judged_are_refused(scores: np.ndarray) -> None:
    """Not finite, or not one a reading."""
    with pytest.raises(InvalidReadingsError):
        LabelledScores(name="a", scores=scores, alarms=flags(2), windows=[], step_s=1.0, buffer=0)


spans = st.tuples(st.integers(-30, 120), st.integers(0, 30))


@given(st.lists(spans, max_size=12))
def test_joined_windows_label_the_same_readings(spans: list[tuple[int, int]]) -> None:
    """In order, disjoint, each with a reading among the scored ones."""
    windows = join_windows([EventWindow(first=first, last=first + length) for first, length in spans], 100)
    covered = {place for first, length in spans for place in range(max(first, 0), min(first + length + 1, 100))}

    series = labelled(np.zeros(100), *[(window.first, window.last) for window in windows])
    assert set(np.flatnonzero(series.labels).tolist()) == covered
