"""The adaptive kind through the scoring service on real PostgreSQL: together, alone, and after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.series import Readings
from tests.integration.scored_fleet import Fleet, at, noisy

MINUTES = [5 * (i + 1) for i in range(60)]


class ShortTrained(AdaptiveDetector):
    """The adaptive kind, content with the day of readings that this fleet is trained on."""

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn from less than the settings ask for."""
        return super().fit(readings, FitOptions(min_readings=100))


class Together(ShortTrained):
    """Counts the calls for many series, and refuses them where it is told to."""

    calls = 0
    refuses = False

    def update_fleet(self, asked):  # type: ignore[no-untyped-def]
        """One call more."""
        self.calls += 1
        if self.refuses:
            raise MemoryError("too many at once")
        return super().update_fleet(asked)


@pytest.fixture
def fleet(database: Database, tmp_path: Path) -> Fleet:
    """Four series of the adaptive kind with an hour's spike in one of them."""
    made = Fleet(database=database, folder=tmp_path / "artifacts")
    for i in range(4):
        values = np.sin(np.arange(60) / 2.0) + 0.1 * noisy(60, seed=i)
        values[40] += 50.0 if i == 2 else 0.0
        made.send(made.add_series(f"PUMP-{i}", ShortTrained()), MINUTES, values.tolist())
    return made


def told(fleet: Fleet) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """All detections with their frozen scores, and all states."""
    return (
        fleet.rows(
            'SELECT device_id, "timestamp", anomaly_score, frozen_score, metadata '
            "FROM public.anomaly_detections ORDER BY 1, 2"
        ),
        fleet.rows("SELECT series_id, state, watermark FROM ml_health.detector_state ORDER BY 1"),
    )


def test_a_shard_is_asked_in_one_call_and_an_alarm_says_why(fleet: Fleet) -> None:
    """One call for all; the spike is a detection with its features, and with what the frozen reference said."""
    detector = Together()
    tally = fleet.score(at(400), kinds=[detector])
    assert (tally.series, tally.readings_scored, tally.failed) == (4, 240, 0)
    assert detector.calls == 1
    detections, _ = told(fleet)
    spike = [row for row in detections if row[0] == "PUMP-2" and row[1] == at(MINUTES[40])]
    assert len(spike) == 1
    assert spike[0][3] is not None
    assert spike[0][4]["output"] == "adaptive"
    assert spike[0][4]["features"][0]["tail_probability"] < 0.01


def test_together_alone_and_in_many_runs_the_same_is_written(fleet: Fleet, database: Database, tmp_path: Path) -> None:
    """A call for many that fails is made up one by one, to the same bits."""
    refused = Together()
    refused.refuses = True
    first = fleet.score(at(150), kinds=[refused])
    assert (first.failed, refused.calls) == (0, 1)
    fleet.score(at(400), kinds=[ShortTrained()])
    in_two_runs = told(fleet)
    with fleet.database.transaction() as cur:
        cur.execute("TRUNCATE public.anomaly_detections, ml_health.episode, ml_health.detector_state CASCADE")
    fleet.score(at(401), kinds=[ShortTrained()])
    assert told(fleet) == in_two_runs
    assert len(in_two_runs[0]) > 0


def test_a_state_of_an_older_release_starts_over_from_the_model(fleet: Fleet) -> None:
    """An upgrade that reads no older state stops no series."""
    fleet.score(at(100), kinds=[ShortTrained()])
    with fleet.database.transaction() as cur:
        cur.execute("UPDATE ml_health.detector_state SET state = 'an older layout'")
    tally = fleet.score(at(400), kinds=[ShortTrained()])
    assert (tally.failed, tally.readings_scored) == (0, 160)
    assert fleet.score(at(401), kinds=[ShortTrained()]).failed == 0
