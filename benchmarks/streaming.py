"""Rows on the adaptive detector: one series at a time, a whole fleet, and what has to be kept of a series."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from river import anomaly, preprocessing
from sklearn.ensemble import IsolationForest

from benchmarks.row import Row, compare
from ml_core.domain.detectors.adaptive.fleet import advance_fleet
from ml_core.domain.detectors.adaptive.layout import STATE, new_state
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions
from ml_core.domain.series import Readings

N_TRAINING = 1000
N_LATER = 2000
N_SERIES = 10_000
STEP = np.timedelta64(600, "s")
START = np.datetime64("2025-01-01T00:00", "us")
RIVER = "river HalfSpaceTrees"


class HalfSpaceStream:
    """river's half-space trees on the value: score, then learn."""

    def __init__(self) -> None:
        self.model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42)

    def __call__(self, value: float) -> float:
        """The score of the value before it was learned."""
        reading = {"value": value}
        score = self.model.score_one(reading)
        self.model.learn_one(reading)
        return float(score)


def measure_streaming() -> list[Row]:
    """Every row of the adaptive detector."""
    values = np.random.default_rng(2).normal(25.0, 1.0, N_TRAINING + N_LATER)
    stamps = START + np.arange(values.size) * STEP
    training = Readings(timestamps=stamps[:N_TRAINING], values=values[:N_TRAINING])
    later = Readings(timestamps=stamps[N_TRAINING:], values=values[N_TRAINING:])
    detector = AdaptiveDetector()
    artifact = detector.fit(training, FitOptions())
    first = Readings(timestamps=later.timestamps[:1], values=later.values[:1])
    _, state = detector.update(artifact, EMPTY_STATE, first)
    second = Readings(timestamps=later.timestamps[1:2], values=later.values[1:2])
    stream = HalfSpaceStream()
    for value in training.values.tolist():
        stream(value)
    return [
        compare(
            "adaptive: one reading, its state read and written",
            lambda: detector.update(artifact, state, second),
            lambda: stream(25.5),
            peer_name=RIVER,
            rounds=25,
            repeats=20,
            bound=0.05e-3,
        ),
        compare(
            f"adaptive: a reading of a batch of {N_LATER:,}",
            lambda: detector.update(artifact, EMPTY_STATE, later),
            lambda: [stream(value) for value in later.values.tolist()],
            peer_name=RIVER,
            per=N_LATER,
            rounds=5,
            bound=0.05e-3,
        ),
        _compare_fleets(state, stream),
        compare(
            "adaptive: warm-up on 1,000 readings",
            lambda: advance_fleet(_fresh(), [N_TRAINING], training.timestamps, training.values),
            lambda: IsolationForest(n_estimators=100, random_state=42).fit(training.values.reshape(-1, 1)),
            peer_name="scikit-learn IsolationForest.fit",
            rounds=9,
            bound=50e-3,
        ),
        Row(
            what="adaptive: state of a series",
            unit="B",
            ours=STATE.itemsize,
            peer_name=f"{RIVER}, pickled",
            peer=len(pickle.dumps(stream.model)),
            bound=16 * 1024,
        ),
    ]


def _compare_fleets(state: bytes, stream: HalfSpaceStream) -> Row:
    """A reading of each of many series in one call; of the peer, as many readings of one."""
    states = np.repeat(np.frombuffer(state, dtype=STATE), N_SERIES)
    values = np.random.default_rng(3).normal(25.0, 1.0, N_SERIES)
    ticks = iter(range(2, 1_000_000))

    def tick() -> None:
        now = START + (N_TRAINING + next(ticks)) * STEP
        advance_fleet(states, np.ones(N_SERIES, dtype=np.int64), np.full(N_SERIES, now), values, workers=2)

    return compare(
        f"adaptive: a reading in the fleet form, {N_SERIES:,} series at once, two threads",
        tick,
        lambda: [stream(value) for value in values.tolist()],
        peer_name=RIVER,
        per=N_SERIES,
        rounds=3,
        bound=5e-6,
    )


def _fresh() -> Any:
    return new_state(center=25.0, scale=1.0, gap_us=10**11, bucket_us=0)
