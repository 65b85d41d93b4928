"""A model version that can be asked: its artifact with the detector that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.detectors.detector import EMPTY_STATE, Detector, ModelArtifact
from ml_core.domain.detectors.expected_alarms import expected_alarm_rate
from ml_core.domain.detectors.frozen_reference import find_reference
from ml_core.domain.detectors.scored_readings import ScoredReadings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings


def ask_frozen(detector: Detector, artifact: ModelArtifact, readings: Readings) -> ScoredReadings:
    """What the model's frozen reference says, which depends on no history; else the detector from its beginning."""
    reference = find_reference(artifact)
    if reference is None:
        return detector.update(artifact, EMPTY_STATE, readings)[0]
    return reference.score(readings.timestamps, readings.values)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A champion or challenger, asked for what is frozen in it: no state is carried on."""

    detector: Detector
    artifact: ModelArtifact

    def score(self, readings: Readings) -> NDArray[np.float64]:
        """Scores in order, shape (n,): below 0 is an anomaly."""
        return ask_frozen(self.detector, self.artifact, readings).scores

    def severities(self, readings: Readings) -> NDArray[np.float64]:
        """How far outside of its band each reading lies, in robust standard deviations; 0 where it is normal."""
        return ask_frozen(self.detector, self.artifact, readings).severities

    def alarms(self, readings: Readings) -> NDArray[np.bool_]:
        """Which readings it calls anomalies, shape (n,)."""
        alarms: NDArray[np.bool_] = self.score(readings) < 0
        return alarms

    def learned(self, readings: Readings) -> NDArray[np.bool_]:
        """Which of its training readings were learned as normal, shape (n,): gross outliers were left out."""
        low, high = (self.artifact.metadata.get(name) for name in ("value_min", "value_max"))
        if low is None or high is None:
            return np.ones(len(readings), dtype=np.bool_)
        inside: NDArray[np.bool_] = (readings.values >= low) & (readings.values <= high)
        return inside

    def expected_alarm_rate(self, otherwise: float) -> float:
        """The share of readings it was made to call anomalous, or `otherwise` where it does not know."""
        told = self.artifact.metadata
        return expected_alarm_rate(told.get("contamination"), told.get("target_alarm_rate"), otherwise)
