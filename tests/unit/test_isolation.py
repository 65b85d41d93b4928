"""The step form of a forest is scikit-learn's forest, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from ml_core.domain.detectors.isolation import StepForest, compile_forest
from ml_core.errors import ArtifactDamagedError, InvalidReadingsError

FLOAT32_MAX = float(np.finfo(np.float32).max)
DENORMALS = [5e-324, -5e-324, 1e-45, -1e-45, 1e-40, -1e-40, 0.0, -0.0]
LARGE = [1e30, -1e30, FLOAT32_MAX, -FLOAT32_MAX]

training_values = st.one_of(
    st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=80),
    st.lists(st.floats(-4, 4), min_size=5, max_size=300),
    st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 1e-8, -3.0]), min_size=5, max_size=60),
    st.lists(st.floats(1e-42, 1e-36), min_size=5, max_size=60),
    st.lists(st.floats(1e30, 1e38), min_size=5, max_size=60),
)


def fit_forest(values, *, n_estimators=12, seed=0, contamination="auto"):
    """A forest on one feature."""
    forest = IsolationForest(n_estimators=n_estimators, random_state=seed, contamination=contamination)
    return forest.fit(np.asarray(values, dtype=np.float64).reshape(-1, 1))


def probes_of(forest, step):
    """Values at, just below and just above every split and breakpoint, as float64 and float32 neighbours."""
    splits = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in forest.estimators_])
    centres = np.concatenate([splits, step.breakpoints.astype(np.float64), DENORMALS, LARGE])
    singles = centres.astype(np.float32)
    wide = [centres, np.nextafter(centres, np.inf), np.nextafter(centres, -np.inf)]
    with np.errstate(over="ignore"):  # beyond float32's largest; dropped below
        narrow = [np.nextafter(singles, np.float32(np.inf)), np.nextafter(singles, np.float32(-np.inf))]
    probes = np.concatenate(wide + [part.astype(np.float64) for part in narrow])
    return probes[np.abs(probes) <= FLOAT32_MAX]


def assert_same_bits(expected, actual):
    """Equal to the last bit, signs of nought included."""
    assert expected.astype(np.float64).tobytes() == actual.astype(np.float64).tobytes()


@settings(deadline=None, max_examples=60)
@given(values=training_values, seed=st.integers(0, 1000), contamination=st.sampled_from(["auto", 0.1, 0.01]))
def test_three_steps_equal_scikit_learn_bit_for_bit(values, seed, contamination):
    """All three answers agree with scikit-learn at, just below and just above every breakpoint."""
    forest = fit_forest(values, seed=seed, contamination=contamination)
    step = compile_forest(forest)
    probes = probes_of(forest, step)
    column = probes.reshape(-1, 1)

    assert_same_bits(forest.score_samples(column), step.score_samples(probes))
    assert_same_bits(forest.decision_function(column), step.decision_function(probes))
    assert_same_bits(forest.predict(column), step.predict(probes))


def test_default_forest_equals_scikit_learn_on_dense_probes():
    """A forest of the default size on a thousand readings agrees on tens of thousands of probes."""
    rng = np.random.default_rng(3)
    forest = fit_forest(rng.standard_normal(1000), n_estimators=100, contamination=0.1)
    step = compile_forest(forest)
    probes = np.concatenate([probes_of(forest, step), rng.uniform(-6, 6, 20_000)])

    assert_same_bits(forest.decision_function(probes.reshape(-1, 1)), step.decision_function(probes))


@settings(deadline=None, max_examples=25)
@given(values=training_values)
def test_neighbouring_intervals_differ(values):
    """Breakpoints ascend, and no two neighbouring intervals carry the same score."""
    step = compile_forest(fit_forest(values))

    assert step.scores.size == step.breakpoints.size + 1
    assert (np.diff(step.breakpoints) > 0).all()
    assert (np.diff(step.scores) != 0).all()


def test_constant_readings_make_one_interval():
    """A forest that never splits scores every value alike."""
    forest = fit_forest([5.0] * 50)
    step = compile_forest(forest)

    assert step.breakpoints.size == 0
    assert_same_bits(forest.score_samples([[500.0], [5.0]]), step.score_samples([500.0, 5.0]))


def test_values_beyond_float32_take_the_outermost_interval():
    """What scikit-learn refuses as too large is scored as the last interval on its side."""
    step = compile_forest(fit_forest(np.random.default_rng(0).standard_normal(300)))

    assert step.score_samples([1e300, -1e300]).tolist() == [step.scores[-1], step.scores[0]]


def test_nan_is_refused():
    """A value that is not a number has no score."""
    step = compile_forest(fit_forest([1.0, 2.0, 3.0, 4.0]))

    with pytest.raises(InvalidReadingsError, match="nan"):
        step.score_samples([1.0, float("nan")])


def test_forest_on_two_features_is_refused():
    """Only one dimension has a step form."""
    forest = IsolationForest(n_estimators=2, random_state=0).fit(np.random.default_rng(0).random((20, 2)))

    with pytest.raises(InvalidReadingsError, match="this one has 2"):
        compile_forest(forest)


@pytest.mark.parametrize(
    ("breakpoints", "scores"),
    [
        (np.array([1.0, 0.0], np.float32), np.array([-0.5, -0.4, -0.5])),
        (np.array([0.0, np.nan], np.float32), np.array([-0.5, -0.4, -0.5])),
        (np.array([0.0], np.float32), np.array([-0.5, -0.4, -0.5])),
        (np.array([0.0], np.float64), np.array([-0.5, -0.4])),
        (np.array([0.0], np.float32), np.array([-0.5, np.inf])),
    ],
    ids=["unsorted", "nan", "count", "type", "infinite score"],
)
def test_impossible_step_forest_is_refused(breakpoints, scores):
    """Arrays that cannot be a step form are damage, not a model."""
    with pytest.raises(ArtifactDamagedError, match="train the model again"):
        StepForest(breakpoints=breakpoints, scores=scores, offset=-0.5)
