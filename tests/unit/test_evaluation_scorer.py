"""The seam of the evaluation: splits, refusals, devices, and no look into the future."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS
from ml_core.domain.evaluation.labelled_scores import EventWindow
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.evaluation.scorer import NEVER, Answer, DetectorScorer, join_metrics, score_series
from ml_core.domain.series import Readings
from ml_core.errors import DetectorAnswerError, InsufficientDataError, InvalidReadingsError
from tests.unit.evaluated_series import flags, labelled


def series(values: NDArray[np.float64], *events: tuple[int, int], n_training: int = 300) -> LabelledSeries:
    """Ten-minute readings with events by position."""
    stamps = np.datetime64("2026-01-05", "us") + np.arange(values.size) * np.timedelta64(600, "s")
    readings = Readings(timestamps=stamps, values=values)
    return LabelledSeries.split(name="a", device="d", readings=readings, n_training=n_training, events=events)


def noise(n: int = 1000) -> NDArray[np.float64]:
    """Normal readings."""
    return np.random.default_rng(2).normal(20.0, 1.0, n)


def far_out(training: Readings, scored: Readings) -> Answer:
    """Distance from the training mean."""
    scores = np.abs(scored.values - training.values.mean())
    return Answer(scores=scores, alarms=scores > 5)


def test_events_are_counted_from_the_first_scored_reading() -> None:
    """One over in training is left out, one that reaches over the cut keeps its length."""
    split = series(noise(), (10, 20), (290, 310), (900, 910))

    assert split.windows == (EventWindow(first=-10, last=10), EventWindow(first=600, last=610))
    assert (len(split.training), len(split.scored), split.step_s) == (300, 700, 600.0)


@pytest.mark.parametrize("n_training", [0, 1000])
def test_a_split_leaves_readings_on_both_sides(n_training: int) -> None:
    """Nothing to learn from, or nothing to score, is refused by name."""
    with pytest.raises(InsufficientDataError, match=r"a: .* of 1000 readings"):
        series(noise(), n_training=n_training)


def test_a_refusal_is_an_answer_without_alarms() -> None:
    """The series still counts its events, and the reason is kept."""
    scored = score_series(series(np.full(1000, 4.0), (500, 510)), DetectorScorer(detector=DETECTOR_KINDS[0]))

    assert scored.refusal is not None
    assert "distinct values" in scored.refusal
    assert not scored.alarms.any()
    assert (scored.scores == NEVER).all()


def test_an_answer_of_another_length_is_refused() -> None:
    """A scorer that forgets readings would be judged on the wrong ones."""
    with pytest.raises(DetectorAnswerError, match="one each is needed"):
        score_series(series(noise()), lambda training, scored: far_out(training, training))


def test_a_device_is_its_strangest_metric() -> None:
    """Highest score, any alarm, all events."""
    first = labelled(np.array([0.0, 2.0, 1.0]), (0, 0), alarms=flags(3, 1))
    second = labelled(np.array([3.0, 1.0, 0.0]), (2, 2), alarms=flags(3), name="b")
    device = join_metrics("d", [first, second])

    assert device.scores.tolist() == [3.0, 2.0, 1.0]
    assert device.alarms.tolist() == [False, True, False]
    assert [window.first for window in device.windows] == [0, 2]
    with pytest.raises(InvalidReadingsError, match="same instants"):
        join_metrics("d", [first, labelled(np.zeros(4))])


@pytest.mark.parametrize("detector", DETECTOR_KINDS, ids=lambda detector: detector.kind)
@pytest.mark.parametrize("end", [301, 450, 999])
def test_no_detector_of_the_product_sees_the_future(detector: object, end: int) -> None:
    """Scores and alarms of what went before stay as they are when later readings are cut off."""
    values = noise()
    values[600:640] += 8.0
    scorer = DetectorScorer(detector=detector)  # type: ignore[arg-type]
    whole, cut = score_series(series(values), scorer), score_series(series(values[:end]), scorer)

    assert np.array_equal(whole.scores[: end - 300], cut.scores)
    assert np.array_equal(whole.alarms[: end - 300], cut.alarms)
