"""The calibrated tail: monotone, consistent with itself, and right about known laws."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml_core.domain.detectors.threshold import GRID_POINTS, MAX_SHAPE, TailModel
from ml_core.errors import ArtifactDamagedError, InsufficientDataError

held_out_values = st.one_of(
    st.lists(st.floats(0.3, 0.9), min_size=30, max_size=300),
    st.lists(st.sampled_from([0.4, 0.5, 0.5, 0.7]), min_size=30, max_size=100),
    st.lists(st.floats(0, 1e6), min_size=30, max_size=60),
)


@settings(deadline=None)
@example(values=[0.0, 2.2250738585e-313] + [1.0] * 29, probes=[0.0, -1.0])
@given(values=held_out_values, probes=st.lists(st.floats(-1, 1e7), min_size=2, max_size=30))
def test_tail_probability_never_rises(values, probes):
    """A stranger value is never called less rare, and a probability stays in [0, 1]."""
    p = TailModel.fit(values).tail_probability(np.sort(probes))

    assert (np.diff(p) <= 0).all()
    assert (p >= 0).all()
    assert (p <= 1).all()


@settings(deadline=None)
@given(values=held_out_values, low=st.floats(1e-6, 0.9), factor=st.floats(1.0, 1e3))
def test_level_never_rises_with_the_rate(values, low, factor):
    """A smaller alarm rate never has a lower threshold."""
    tail = TailModel.fit(values)

    assert tail.level(low) >= tail.level(min(low * factor, 0.99))


@settings(deadline=None)
@given(values=held_out_values, rate=st.floats(1e-6, 0.04))
def test_level_undoes_tail_probability(values, rate):
    """In the tail the value at a rate has that rate."""
    tail = TailModel.fit(values)

    assert tail.tail_probability(tail.level(rate)) == pytest.approx(rate, rel=1e-3)


@settings(deadline=None)
@given(values=held_out_values)
def test_parameters_keep_to_their_bounds(values):
    """However odd the sample, the tail stays a decreasing law with a mean and a variance."""
    tail = TailModel.fit(values)

    assert 0 <= tail.shape <= MAX_SHAPE
    assert tail.scale > 0
    assert tail.grid.shape == (GRID_POINTS,)


def test_ties_are_never_called_rare():
    """Of equal values each one counts all of them."""
    tail = TailModel.fit([0.5] * 100)

    assert tail.tail_probability(0.5) == 1.0
    assert tail.level(0.001) > 0.5


@pytest.mark.parametrize("n", [30, 100, 1000, 20_000])
def test_realised_rate_of_exponential_values_is_near_the_target(n):
    """The level for 1 % is exceeded by about 1 % of fresh values, averaged over samples."""
    rng = np.random.default_rng(n)
    levels = [TailModel.fit(rng.exponential(size=n)).level(0.01) for _ in range(200)]
    realised = np.exp(-np.array(levels)).mean()

    assert 0.003 < realised < 0.02


def test_heavy_tail_is_recognised():
    """The shape of generalised Pareto values is found again."""
    u = np.random.default_rng(1).random(200_000)
    values = (u**-0.25 - 1) / 0.25

    assert TailModel.fit(values).shape == pytest.approx(0.25, abs=0.03)


def test_memory_makes_the_threshold_more_cautious():
    """Held-out values that hang together tell less, so the same sample gives a higher threshold."""
    values = np.random.default_rng(2).exponential(size=250)

    assert TailModel.fit(values, autocorrelation_time=10).level(0.001) > TailModel.fit(values).level(0.001)


def test_too_few_values_are_refused_with_both_numbers():
    """The message says how many there are and how many are needed."""
    with pytest.raises(InsufficientDataError, match=r"9 held-out values .* 10 are needed"):
        TailModel.fit(np.arange(9.0))


@pytest.mark.parametrize(
    "change",
    [
        {"grid": np.array([1.0, 0.0])},
        {"grid": np.array([0.0, np.nan])},
        {"scale": 0.0},
        {"shape": 0.5},
        {"tail_share": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_impossible_tail_is_refused(change):
    """Stored figures that cannot be a tail are damage."""
    good = {"grid": np.array([0.0, 1.0]), "tail_share": 0.1, "scale": 1.0, "shape": 0.1}

    with pytest.raises(ArtifactDamagedError, match="train the model again"):
        TailModel(**(good | change))
