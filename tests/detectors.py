"""Small detectors for tests: one without a state, one whose every answer depends on all readings before."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions, ModelArtifact
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.series import Readings

LIMIT = 4.0
"""Robust standard deviations beyond which a reading is an anomaly."""
WEIGHT = 0.1
_LEVEL = struct.Struct("<d")


def score_around(batch: Readings, levels: NDArray[np.float64], scale: float) -> ScoredReadings:
    """Distances from a level a reading, in robust standard deviations."""
    distances = np.abs(batch.values - levels) / scale
    scores = LIMIT - distances
    reasons: Mapping[int, dict[str, float]] = {
        int(i): {"distance": float(distances[i])} for i in np.flatnonzero(scores < 0)
    }
    return ScoredReadings(
        timestamps=batch.timestamps,
        values=batch.values,
        scores=scores,
        confidences=1 / (1 + distances),
        severities=np.maximum(0.0, -scores),
        band_low=levels - LIMIT * scale,
        band_high=levels + LIMIT * scale,
        reasons=reasons,
    )


class RobustZDetector:
    """Median and interquartile range of the training window."""

    kind = "robust_z"

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn the two figures."""
        low, middle, high = np.quantile(readings.values, [0.25, 0.5, 0.75])
        return ModelArtifact(
            kind=self.kind,
            arrays={"figures": np.array([middle, (high - low) / 1.349 or 1.0])},
            metadata={"value_min": float(readings.values.min()), "value_max": float(readings.values.max())},
        )

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score around the median."""
        median, scale = artifact.arrays["figures"]
        return score_around(batch, np.full(len(batch), median), float(scale)), EMPTY_STATE


class DriftingZDetector(RobustZDetector):
    """Follows the level: its state is an exponentially weighted mean."""

    kind = "drifting_z"

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score each reading around the level before it."""
        median, scale = artifact.arrays["figures"]
        level = _LEVEL.unpack(state)[0] if state else float(median)
        levels = np.empty(len(batch))
        for i, value in enumerate(batch.values.tolist()):
            levels[i] = level
            level += WEIGHT * (value - level)
        return score_around(batch, levels, float(scale)), _LEVEL.pack(level)


class BrokenDetector(RobustZDetector):
    """Trains, and raises at every reading."""

    kind = "broken"

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Divide by nothing."""
        raise ZeroDivisionError("the level is 0")
