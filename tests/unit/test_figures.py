"""Figures in the words of a verdict."""

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.figures import counted, tell_apart


def test_a_value_just_over_its_bound_is_told_with_more_digits():
    """A refusal at 0.534 over 0.531 does not read "0.53, up to 0.53 is accepted"."""
    assert tell_apart(0.534, 0.531) == ("0.534", "0.531")
    assert tell_apart(0.849, 0.851, digits=0, unit="%") == ("84.9%", "85.1%")


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_differs_reads_differently_and_what_is_equal_alike(value, bound):
    """Whatever lies a millionth apart or more."""
    one, other = tell_apart(value / 10**6, bound / 10**6)

    assert (one == other) == (value == bound)


def test_one_of_a_thing_is_told_as_one():
    """No "1 episodes"."""
    assert (counted(1, "episode", "episodes"), counted(0, "alarm", "alarms")) == ("1 episode", "0 alarms")
