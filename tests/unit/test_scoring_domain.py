"""One scored batch: which readings are new, what is counted, where the next batch goes on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.detectors.detector import Detector, FitOptions, ModelArtifact
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.scoring.scoring_state import ScoringState, pick_new
from ml_core.domain.scoring.series_scoring import SeriesScoring, Told, carried_state, conclude_batch, pass_by
from ml_core.domain.series import Readings, SeriesKey, to_instant
from ml_core.errors import DetectorAnswerError
from tests.detectors import DriftingZDetector, RobustZDetector

START = datetime(2025, 3, 1, 10, 0, tzinfo=UTC)
LATENESS = timedelta(minutes=10)
KEY = SeriesKey(device="PUMP-1", metric="flow")
MODEL_ID = uuid4()
BEGUN = ScoringState.begin(7, MODEL_ID, watermark=START)


def _at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def _readings(**at: float) -> Readings:
    return _readings_at({float(minute[1:]): value for minute, value in at.items()})


def _readings_at(at: dict[float, float]) -> Readings:
    return Readings.clean([to_instant(_at(minute)) for minute in at], list(at.values()))


def _artifact(detector: Detector) -> ModelArtifact:
    values = np.sin(np.arange(400.0))
    stamps = np.datetime64("2025-02-01T00:00:00", "us") + np.arange(400).astype("timedelta64[m]")
    return detector.fit(Readings.clean(stamps, values), FitOptions())


def _score(before: ScoringState, readings: Readings, detector: Detector | None = None) -> SeriesScoring:
    chosen = detector or RobustZDetector()
    new = pick_new(before, readings, lateness=LATENESS)
    assert new is not None
    artifact = _artifact(chosen)
    scored, state = chosen.update(artifact, carried_state(before, MODEL_ID), new.batch)
    told = Told(scored=scored, state=state, latency_ms=1000.0)
    return conclude_batch(told, artifact, before, new, key=KEY, model_id=MODEL_ID, lateness=LATENESS)


def test_readings_after_the_watermark_are_new() -> None:
    """What lies after the watermark is scored, and the watermark goes to the newest."""
    scoring = _score(BEGUN, _readings(m1=0.1, m5=0.2))

    assert scoring.scored.values.tolist() == [0.1, 0.2]
    assert scoring.after.watermark == _at(5)
    assert scoring.latency_ms == 1000.0


def test_what_was_there_before_scoring_began_is_never_scored() -> None:
    """Readings that the first model learned from are not late ones."""
    assert pick_new(BEGUN, _readings(m0=0.1), lateness=LATENESS) is None
    assert BEGUN.looks_back_to(LATENESS) == START


def test_a_late_reading_is_scored_within_the_window_and_not_beyond() -> None:
    """Ten minutes behind the watermark is the edge; readings scored already are not scored again."""
    before = _score(BEGUN, _readings(m5=0.1, m30=0.2)).after

    scoring = _score(before, _readings(m5=0.1, m19=0.3, m20=0.4, m21=0.5, m30=0.2))

    assert scoring.scored.values.tolist() == [0.5]
    assert (scoring.late, scoring.after.watermark) == (1, _at(30))
    assert pick_new(scoring.after, _readings(m21=0.5, m30=0.2), lateness=LATENESS) is None


def test_a_late_reading_is_told_in_its_own_hour() -> None:
    """A reading of the hour before adds to the hour before."""
    before = _score(BEGUN, _readings(m62=0.1)).after

    scoring = _score(before, _readings(m58=0.2, m63=0.3))

    assert [(hour.hour, hour.scored, hour.late) for hour in scoring.activity] == [(_at(0), 1, 1), (_at(60), 1, 0)]


def test_readings_outside_of_the_training_range_are_counted() -> None:
    """The artifact's value_min and value_max are the range."""
    scoring = _score(BEGUN, _readings(m1=0.0, m2=1.5, m3=-1.5))

    assert scoring.out_of_range == 2


def test_unusable_rows_are_counted_once() -> None:
    """A row without a finite value moves the watermark, so that the next look does not count it again."""
    readings = _readings(m1=0.1, m2=float("nan"))
    scoring = _score(BEGUN, readings)

    assert scoring.dropped == 1
    assert pick_new(scoring.after, readings, lateness=LATENESS) is None


def test_only_unusable_rows_are_passed_by_without_a_scoring_call() -> None:
    """A series that sends nothing but NaN is counted, and its detector is not asked."""
    new = pick_new(BEGUN, _readings(m3=float("nan")), lateness=LATENESS)
    assert new is not None

    scoring = pass_by(BEGUN, new, key=KEY, lateness=LATENESS)

    assert (len(scoring.scored), scoring.dropped, scoring.latency_ms) == (0, 1, None)
    assert (scoring.after.watermark, scoring.after.model_id) == (_at(3), MODEL_ID)
    assert [(hour.hour, hour.dropped, hour.calls) for hour in scoring.activity] == [(START, 1, 0)]


def test_a_gap_longer_than_a_window_is_crossed() -> None:
    """Where readings are known beyond an empty window, the watermark goes to its end."""
    new = pick_new(BEGUN, _readings(), lateness=LATENESS, passed=_at(10080))

    assert new is not None
    assert new.watermark == _at(10080)


def test_another_model_starts_with_an_empty_state() -> None:
    """State that an older model left is not handed to its successor; the watermark is."""
    detector = DriftingZDetector()
    old = replace(BEGUN, model_id=uuid4(), state=b"of another model")

    scoring = _score(old, _readings(m1=0.1), detector)

    assert scoring.after.model_id == MODEL_ID
    assert scoring.after.state == _score(BEGUN, _readings(m1=0.1), detector).after.state


@dataclass(frozen=True)
class WrongDetector(RobustZDetector):
    """Answers with one figure changed."""

    field: str
    figure: float

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score, then spoil the answer."""
        scored, after = super().update(artifact, state, batch)
        changes: dict[str, Any] = {self.field: np.full(len(batch), self.figure)}
        return replace(scored, **changes), after


@pytest.mark.parametrize("field", ["scores", "confidences", "severities"])
def test_an_answer_that_is_not_finite_is_refused_by_name(field: str) -> None:
    """A NaN must not reach the anomaly log, where it would poison averages."""
    with pytest.raises(DetectorAnswerError, match=f"{field} holds a value that is not finite"):
        _score(BEGUN, _readings(m1=0.1), WrongDetector(field, float("nan")))


def test_a_missing_band_is_no_error() -> None:
    """A detector that has seen too little may have no band yet."""
    scoring = _score(BEGUN, _readings(m1=0.1), WrongDetector("band_low", float("nan")))

    assert np.isnan(scoring.scored.band_low).all()


values = st.floats(-6, 6, allow_nan=False)


@given(st.lists(values, min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_many_runs_tell_the_same_as_one(values: list[float], cuts: list[int]) -> None:
    """A stateful detector, episodes, counts and watermark do not depend on how the readings are cut."""
    detector = DriftingZDetector()
    at_once = _score(BEGUN, _readings_at({i + 1: value for i, value in enumerate(values)}), detector)
    state, scores, alarms = BEGUN, [], 0
    for last in [*sorted(min(cut, len(values)) for cut in cuts), len(values)]:
        seen = _readings_at({i + 1: value for i, value in enumerate(values[:last])})
        if pick_new(state, seen, lateness=LATENESS) is None:
            continue
        scoring = _score(state, seen, detector)
        scores += scoring.scored.scores.tolist()
        alarms += sum(hour.anomalies for hour in scoring.activity)
        state = scoring.after

    assert scores == at_once.scored.scores.tolist()
    assert (state.state, state.watermark, state.open_episode) == (
        at_once.after.state,
        at_once.after.watermark,
        at_once.after.open_episode,
    )
    assert state.recent.tolist() == at_once.after.recent.tolist()
    assert alarms == sum(hour.anomalies for hour in at_once.activity)
