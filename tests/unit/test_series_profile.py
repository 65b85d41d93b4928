"""What a model remembers of a series' values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml_core.domain.series_profile import gross_outliers

VALUES = arrays.arrays(np.float64, st.integers(8, 80), elements=st.floats(-1e6, 1e6))


def test_a_few_far_readings_are_left_out() -> None:
    """A leak of five readings in a thousand is not learned as normal."""
    values = np.concatenate([np.random.default_rng(1).normal(100, 1, 995), np.full(5, 24.0)])

    outliers = gross_outliers(values, 8.0, 0.05)

    assert outliers.sum() == 5
    assert outliers[-5:].all()


def test_a_second_state_of_the_machine_is_learned() -> None:
    """A tenth of the time off is a state, not an outlier."""
    values = np.concatenate([np.random.default_rng(1).normal(100, 1, 900), np.zeros(100)])

    assert not gross_outliers(values, 8.0, 0.05).any()


def test_where_half_of_the_values_are_equal_nothing_is_left_out() -> None:
    """Without an interquartile range there is no fence."""
    assert not gross_outliers(np.array([0.0] * 90 + [5.0] * 3), 8.0, 0.05).any()


@given(VALUES, st.floats(0.5, 20), st.floats(0.01, 0.5))
def test_the_middle_half_is_always_kept(values: np.ndarray, fence: float, share: float) -> None:
    """Never more than the share, and never the values between the quartiles."""
    outliers = gross_outliers(values, fence, share)

    low, high = np.quantile(values, [0.25, 0.75])
    assert outliers.mean() <= share
    assert not outliers[(values >= low) & (values <= high)].any()
