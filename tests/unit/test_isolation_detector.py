"""The isolation forest detector: what it learns, what it answers, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from ml_core.domain.detectors.artifact_format import decode, encode
from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS, detector_of_kind
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.isolation_detector import MAX_REFERENCE_READINGS, IsolationForestDetector, held_out_mask
from ml_core.domain.series import Readings
from ml_core.errors import (
    ArtifactDamagedError,
    InsufficientDataError,
    UnknownDetectorKindError,
    UnmodellableSeriesError,
)

DETECTOR = IsolationForestDetector()
OPTIONS = FitOptions()
FEW_TREES = FitOptions(n_estimators=10, min_readings=40)
START = np.datetime64("2025-03-01T00:00:00", "us")


def readings_of(values, *, step_s=600):
    """Readings at even steps."""
    values = np.asarray(values, dtype=np.float64)
    return Readings.clean(START + np.arange(len(values)) * np.timedelta64(step_s, "s"), values)


def gaussian(n, seed=0):
    """Independent values around 25."""
    return np.random.default_rng(seed).normal(25.0, 1.0, n)


def autoregressive(n, seed=0):
    """Values that hang together: the next is nine tenths of the last and noise."""
    noise = np.random.default_rng(seed).standard_normal(n + 200)
    values = np.zeros(n + 200)
    for i in range(1, n + 200):
        values[i] = 0.9 * values[i - 1] + noise[i]
    return 25.0 + values[200:]


def bimodal(n, seed=0):
    """A machine with two working points."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.6, rng.normal(20.0, 0.5, n), rng.normal(30.0, 0.5, n))


def score(artifact, values):
    """The detector's answer for values at even steps."""
    return DETECTOR.update(artifact, b"", readings_of(values))[0]


@pytest.fixture(scope="module")
def artifact():
    """A model of a thousand normal readings around 25."""
    return DETECTOR.fit(readings_of(gaussian(1000)), OPTIONS)


# --- alarms


@pytest.mark.parametrize("process", [gaussian, autoregressive, bimodal])
def test_fresh_normal_readings_keep_to_the_target_rate(process):
    """Over many models, normal readings never seen are called anomalous at about the target rate or less."""
    rates = []
    for seed in range(8):
        model = DETECTOR.fit(readings_of(process(1000, seed)), OPTIONS)
        rates.append(score(model, process(5000, seed + 1000)).is_anomaly.mean())

    assert np.mean(rates) < 5 * OPTIONS.target_alarm_rate
    assert np.median(rates) < 3 * OPTIONS.target_alarm_rate


def test_alarms_are_not_simply_switched_off():
    """At a target of 2 % about 2 % of fresh normal readings are flagged: the target has a meaning."""
    options = FitOptions(target_alarm_rate=0.02)
    rates = [
        score(DETECTOR.fit(readings_of(gaussian(1000, seed)), options), gaussian(5000, seed + 99)).is_anomaly.mean()
        for seed in range(8)
    ]

    assert 0.01 < np.mean(rates) < 0.04


@pytest.mark.parametrize("value", [5.0, 18.0, 33.0, 45.0, 77.0, -1e6, 1e308, -1e308])
def test_values_far_from_training_are_anomalies(artifact, value):
    """Values far outside of what was seen are anomalies, with a finite score and a confidence near 1."""
    scored = score(artifact, [value])

    assert scored.is_anomaly.tolist() == [True]
    assert np.isfinite(scored.scores).all()
    assert scored.confidences[0] > 0.999


@settings(deadline=None)
@given(values=st.lists(st.floats(30.0, 1e9), min_size=2, max_size=20, unique=True))
def test_severity_goes_on_rising_outside_of_the_training_range(artifact, values):
    """The further out a value lies, the lower its score and the higher its severity, without end."""
    ordered = np.sort(values)
    apart = ordered[np.append(True, np.diff(ordered) > 1e-6 * ordered[1:])]
    scored = score(artifact, apart)

    assert (np.diff(scored.scores) < 0).all()
    assert (np.diff(scored.severities) > 0).all()


def test_severity_rises_below_the_training_range_too(artifact):
    """Both sides are treated alike."""
    scored = score(artifact, [20.0, 10.0, 0.0, -1000.0])

    assert (np.diff(scored.scores) < 0).all()
    assert (np.diff(scored.severities) > 0).all()


@settings(deadline=None)
@given(values=st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20))
def test_answers_agree_with_each_other(artifact, values):
    """Inside the band is normal, normal has no severity, anomalies have reasons, and rarer scores lower."""
    scored = score(artifact, values)
    low, high = FrozenReference.from_artifact(artifact).band
    margin = 1e-6 * (high - low)
    inside = (scored.values > low + margin) & (scored.values < high - margin)

    assert not (inside & scored.is_anomaly).any()
    assert (scored.severities[~scored.is_anomaly] == 0).all()
    assert set(scored.reasons) == set(np.flatnonzero(scored.is_anomaly).tolist())
    assert ((scored.confidences >= 0) & (scored.confidences <= 1)).all()
    assert (np.diff(scored.confidences[np.argsort(scored.scores)]) <= 0).all()


def test_band_edges_part_normal_from_strange(artifact):
    """Just inside the expected band is normal, just outside is not."""
    low, high = FrozenReference.from_artifact(artifact).band
    step = 1e-5 * (high - low)

    assert score(artifact, [low - step, low + step, high - step, high + step]).is_anomaly.tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_reason_says_it_in_words_and_figures(artifact):
    """An anomaly carries which output spoke, the words, the value, the band, the rarity and the severity."""
    scored = score(artifact, [25.0, 45.0])
    reason = scored.reasons[1]

    assert list(scored.reasons) == [1]
    assert reason["output"] == "frozen_reference"
    assert "robust sd above the expected band" in reason["text"]
    assert f"{reason['band_low']:.4g} to {reason['band_high']:.4g}" in reason["text"]
    assert reason["value"] == 45.0
    assert reason["severity"] == pytest.approx((45.0 - reason["band_high"]) / artifact.metadata["robust_sd"])
    assert 0 < reason["tail_probability"] < 0.001
    assert json.loads(json.dumps(reason)) == reason


def test_no_look_ahead(artifact):
    """Cutting off the future changes no past score, and the state stays empty."""
    values = gaussian(200, 5)
    whole, state = DETECTOR.update(artifact, b"", readings_of(values))
    part, _ = DETECTOR.update(artifact, state, readings_of(values[:120]))

    assert state == b""
    assert whole.scores[:120].tobytes() == part.scores.tobytes()


def test_empty_batch_is_answered_with_nothing(artifact):
    """No readings, no answers."""
    assert len(score(artifact, [])) == 0


# --- the seed's option


def test_contamination_is_scikit_learns_own_quota():
    """With a contamination, the answers are those of scikit-learn's forest on the same readings."""
    values = gaussian(1000)
    model = DETECTOR.fit(readings_of(values), FitOptions(contamination=0.1))
    fitted = values[~held_out_mask(1000)]
    forest = IsolationForest(n_estimators=100, max_samples=256, contamination=0.1, random_state=42)
    forest.fit(((fitted - fitted.mean()) / fitted.std()).reshape(-1, 1))
    probes = np.linspace(fitted.min(), fitted.max(), 500)
    expected = forest.predict(((probes - fitted.mean()) / fitted.std()).reshape(-1, 1))

    assert ((expected == -1) == score(model, probes).is_anomaly).all()
    assert score(model, fitted).is_anomaly.mean() == pytest.approx(0.1, abs=0.01)


# --- the artifact


def test_same_readings_in_any_order_with_duplicates_give_the_same_bits():
    """Order of arrival and repeated rows do not change one bit of the artifact."""
    values = np.append(gaussian(400), [0.0])
    stamps = START + np.arange(401) * np.timedelta64(60, "s")
    twice = np.append(np.arange(401), np.arange(0, 401, 7))
    rng = np.random.default_rng(1)
    artifacts = []
    for order in (twice, rng.permutation(twice), rng.permutation(twice)):
        artifacts.append(DETECTOR.fit(Readings.clean(stamps[order], values[order]), FEW_TREES))

    assert len({encode(each) for each in artifacts}) == 1
    assert artifacts[0].metadata["dropped"] == 58


def test_negative_zero_is_zero():
    """Two spellings of nought are one value."""
    values = np.round(gaussian(300) - 25.0)
    other = np.where(values == 0, -values, values)

    assert encode(DETECTOR.fit(readings_of(values), FEW_TREES)) == encode(DETECTOR.fit(readings_of(other), FEW_TREES))


def test_metadata_holds_what_later_checks_need():
    """The training window's figures are right, and the whole is JSON."""
    values = np.append(gaussian(990), [25.5] * 10)
    model = DETECTOR.fit(readings_of(values), OPTIONS)
    metadata = model.metadata

    assert metadata["training_from"] == "2025-03-01T00:00:00+00:00"
    assert metadata["training_to"] == "2025-03-07T22:30:00+00:00"
    assert (metadata["n_readings"], metadata["n_held_out"], metadata["dropped"]) == (1000, 250, 0)
    assert (metadata["value_min"], metadata["value_max"]) == (values.min(), values.max())
    assert metadata["median_interval_s"] == 600.0
    assert metadata["flat_run_max"] == 10
    assert 1 <= metadata["flat_run_p999"] <= 10
    assert 1 <= metadata["autocorrelation_time"] < 20
    assert 0 < metadata["usual_outside_share"] <= 3 / 144
    assert metadata["quantiles"][50] == pytest.approx(np.median(values))
    assert len(metadata["quantiles"]) == 101
    assert metadata["robust_sd"] == pytest.approx(1.0, abs=0.1)
    assert metadata["sklearn_version"]
    expected = {"target_alarm_rate": 0.001, "contamination": None, "n_estimators": 100, "random_state": 42}
    assert expected.items() <= metadata.items()
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata


def test_reference_arrays_are_the_training_readings_in_time_order():
    """What drift tests compare with is the training window as it was, and its scores are the model's own."""
    values = gaussian(1000)
    model = DETECTOR.fit(readings_of(values), OPTIONS)

    assert model.arrays["reference_values"].tolist() == values.tolist()
    assert model.arrays["reference_scores"].tolist() == score(model, values).scores.tolist()


def test_reference_of_a_long_window_is_bounded():
    """A long training window does not make a large artifact: every so many readings of all of it are kept."""
    values = gaussian(4 * MAX_REFERENCE_READINGS + 4000)
    model = DETECTOR.fit(readings_of(values), FEW_TREES)

    assert model.metadata["reference_stride"] == 5
    assert model.arrays["reference_values"].tolist() == values[::5].tolist()


@pytest.mark.parametrize("n", [40, 199, 1000, 1001, 12_345])
def test_a_quarter_is_held_out_in_interleaved_blocks(n):
    """Held-out readings are about a quarter, in five blocks over the whole window."""
    mask = held_out_mask(n)
    starts = np.flatnonzero(mask & ~np.append(False, mask[:-1]))

    assert mask.mean() == pytest.approx(0.25, abs=0.05)
    assert len(starts) == 5
    assert not mask[0]
    assert not mask[-1]


def test_decoded_artifact_answers_as_the_one_in_memory(artifact):
    """Saving changes no answer."""
    values = np.append(gaussian(500, 7), [45.0, -3.0])
    before, after = score(artifact, values), score(decode(encode(artifact)), values)

    assert before.scores.tobytes() == after.scores.tobytes()
    assert before.confidences.tobytes() == after.confidences.tobytes()
    assert before.reasons == after.reasons


@pytest.mark.parametrize("name", ["threshold", "robust_sd", "tail_scale", "offset"])
@pytest.mark.parametrize("value", [None, "1", True, float("nan"), "absent"])
def test_impossible_figure_is_damage(artifact, name, value):
    """An artifact whose figures are missing or no numbers is refused, naming the figure."""
    metadata = dict(artifact.metadata) | {name: value}
    if value == "absent":
        del metadata[name]

    with pytest.raises(ArtifactDamagedError, match=name):
        score(replace(artifact, metadata=metadata), [1.0])


def test_missing_array_is_damage(artifact):
    """An artifact that lacks an array is refused, naming it."""
    arrays = {name: array for name, array in artifact.arrays.items() if name != "tail_grid"}

    with pytest.raises(ArtifactDamagedError, match="tail_grid"):
        score(ModelArtifact(kind=artifact.kind, arrays=arrays, metadata=artifact.metadata), [1.0])


def test_impossible_scale_is_damage(artifact):
    """A scale of nought cannot be."""
    with pytest.raises(ArtifactDamagedError, match="impossible"):
        score(replace(artifact, metadata=dict(artifact.metadata) | {"scale": 0.0}), [1.0])


# --- odd series


@pytest.mark.parametrize(
    "values",
    [
        np.append(np.full(995, 7.0), [1.0, 2.0, 3.0, 4.0, 5.0]),
        np.append(np.full(500, 7.0), np.arange(500.0)),
        np.resize([1.0, 2.0, 3.0, 4.0, 5.0], 1000),
        gaussian(1000) * 1e-310,
        gaussian(1000) * 1e140,
        1e12 + gaussian(1000),
        np.arange(1000.0),
        np.random.default_rng(0).standard_cauchy(1000),
    ],
    ids=[
        "nearly constant",
        "half constant",
        "five levels",
        "denormal",
        "huge",
        "large offset",
        "ramp",
        "cauchy",
    ],
)
def test_odd_series_are_modelled(values):
    """Whatever the scale, the median is normal, a value far outside is not, and all figures are finite."""
    model = DETECTOR.fit(readings_of(values), OPTIONS)
    centre = model.metadata["median"]
    far = values.max() + 50 * (values.max() - values.min())
    scored = score(model, [centre, far])

    assert scored.is_anomaly.tolist() == [False, True]
    assert np.isfinite([scored.scores, scored.severities, scored.confidences, scored.band_low, scored.band_high]).all()
    assert score(model, values).is_anomaly.mean() < 0.02


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=80, unique=True),
    rate=st.sampled_from([1e-4, 1e-3, 0.1, 0.5]),
)
def test_any_values_give_a_usable_model(values, rate):
    """Any finite values make a model whose answers are finite and whose far values are anomalies."""
    model = DETECTOR.fit(readings_of(values), replace(FEW_TREES, target_alarm_rate=rate))
    scored = score(model, [1e300, *values])

    assert scored.is_anomaly[0]
    assert np.isfinite([scored.scores, scored.severities, scored.confidences]).all()
    assert scored.band_low[0] <= scored.band_high[0]
    assert (scored.severities[scored.is_anomaly] >= 0).all()


# --- refusals


def test_too_few_readings_are_refused_with_both_numbers():
    """The message says how many there are and how many are needed."""
    with pytest.raises(InsufficientDataError, match=r"199 usable readings .* 200 are needed"):
        DETECTOR.fit(readings_of(gaussian(199)), OPTIONS)


def test_too_few_distinct_values_are_refused_with_both_numbers():
    """A state or a stuck sensor is no series for a forest, and the message says why."""
    with pytest.raises(UnmodellableSeriesError, match=r"only 2 distinct values, 5 are needed"):
        DETECTOR.fit(readings_of(np.resize([0.0, 1.0], 300)), OPTIONS)


def test_absurdly_large_values_are_refused():
    """Values whose square overflows have no standard deviation."""
    with pytest.raises(UnmodellableSeriesError, match="1e\\+200"):
        DETECTOR.fit(readings_of(np.append(gaussian(300), 1e200)), OPTIONS)


def test_kind_is_registered_and_others_are_refused_by_name():
    """Settings name the kind; an unknown one is refused with the known ones."""
    assert detector_of_kind("isolation_forest") is DETECTOR_KINDS[0]
    with pytest.raises(UnknownDetectorKindError, match=r"'oracle'.*isolation_forest"):
        detector_of_kind("oracle")
