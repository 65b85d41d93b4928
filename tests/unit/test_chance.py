"""Small numbers must not cry wolf."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from ml_core.domain.checks.chance import is_beyond_chance, poisson_lower_bound


@given(st.integers(1, 500), st.floats(0.001, 0.2))
def test_bound_is_the_mean_at_which_the_count_is_just_that_improbable(count: int, level: float) -> None:
    """At the bound, so many events or more have exactly the asked probability."""
    bound = poisson_lower_bound(count, level)

    assert poisson.sf(count - 1, bound) == pytest.approx(level, rel=1e-6)


@given(st.integers(0, 500))
def test_bound_never_exceeds_the_count(count: int) -> None:
    """A lower bound lies below what was counted."""
    assert poisson_lower_bound(count, 0.01) <= count


def test_nothing_is_never_beyond_chance() -> None:
    """No event is no evidence, whatever was expected."""
    assert not is_beyond_chance(0, 0.0, 0.01)


def test_false_call_rate_is_kept() -> None:
    """Counts with the expected mean are called beyond chance at most as often as the level says."""
    counts = np.random.default_rng(1).poisson(1.5, 5_000)

    assert np.mean([is_beyond_chance(int(count), 1.5, 0.01) for count in counts]) <= 0.012
