"""VUS-PR equals what its authors' package answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_core.domain.evaluation.autocorrelation_buffer import LONGEST_BUFFER, autocorrelation_buffer
from ml_core.domain.evaluation.vus_pr import vus_pr
from ml_core.errors import InvalidReadingsError
from tests.unit.evaluated_series import residues

RECORDED = json.loads((Path(__file__).parent / "recorded" / "vus_pr.json").read_text(encoding="utf-8"))


def make_case(case: dict[str, Any]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels and scores of a recorded case."""
    labels = np.zeros(case["n"], dtype=np.bool_)
    for first, last in case["windows"]:
        labels[first : last + 1] = True
    return labels, residues(case["n"], case["multiplier"], case["modulus"]) + case["lift"] * labels


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: f"{case['n']} readings, buffer {case['buffer']}")
def test_equals_the_authors_package(case: dict[str, Any]) -> None:
    """Windows at both ends, neighbours that join, ties, anti-scores and no tolerance included."""
    assert vus_pr(*make_case(case), case["buffer"]) == pytest.approx(case["vus_pr"], abs=1e-12)


def test_scores_that_rank_the_event_first_get_everything() -> None:
    """A perfect ranking scores 1 without tolerance."""
    labels = np.arange(250) >= 200

    assert vus_pr(labels, labels.astype(np.float64), 0) == pytest.approx(1.0)


def test_without_an_event_it_says_so() -> None:
    """Precision means nothing where nothing is labelled."""
    with pytest.raises(InvalidReadingsError, match="at least one labelled reading"):
        vus_pr(np.zeros(5, dtype=np.bool_), np.arange(5.0), 3)


def test_scores_of_another_length_are_refused() -> None:
    """A shifted score would be a wrong figure."""
    with pytest.raises(InvalidReadingsError, match="one length"):
        vus_pr(np.ones(5, dtype=np.bool_), np.arange(6.0), 3)


@given(st.lists(st.tuples(st.booleans(), st.floats(-1e3, 1e3)), min_size=5, max_size=80), st.integers(0, 30))
def test_is_a_share_and_knows_ranks_only(readings: list[tuple[bool, float]], buffer: int) -> None:
    """Any rising change of the scores leaves the answer as it is."""
    labels = np.array([label for label, _ in readings] + [True])
    scores = np.array([score for _, score in readings] + [0.5])
    answer = vus_pr(labels, scores, buffer)

    assert 0.0 <= answer <= 1.0
    assert vus_pr(labels, 8.0 * scores, buffer) == answer


STEPS = np.arange(3000)
PATTERNS = {
    "short period": (STEPS % 50 + 3 * residues(3000, 7919, 1009), 50),
    "noisy period": (np.abs(STEPS % 12 - 6) + 9 * ((STEPS * STEPS * 7919 + STEPS * 31) % 100_003) / 100_003, 84),
    "long period, held to the bound": (np.abs(STEPS % 200 - 100) + 5 * residues(3000, 7919, 1009), LONGEST_BUFFER),
    "ramp": (STEPS * 1.0, LONGEST_BUFFER),
    "constant": (np.full(300, 4.0), LONGEST_BUFFER),
    "too short": (np.array([1.0, 2.0]), LONGEST_BUFFER),
}


@pytest.mark.parametrize(("values", "buffer"), PATTERNS.values(), ids=PATTERNS)
def test_the_buffer_is_the_length_of_the_pattern(values: NDArray[np.float64], buffer: int) -> None:
    """As TSB-AD 1.5's find_length_rank answers, never over the bound."""
    assert autocorrelation_buffer(values) == buffer
