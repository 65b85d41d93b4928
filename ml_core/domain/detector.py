"""The seam between the platform and any detector: what it learns, what it carries on, what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ml_core.errors import UnknownDetectorKindError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What a site may choose about training; every default lives in the settings."""

    target_alarm_rate: float
    n_estimators: int
    max_samples: int
    random_state: int
    min_readings: int
    min_distinct_values: int
    contamination: float | None = None
    """The seed's option: a quota of training readings to call anomalous instead of a target alarm rate."""


@dataclass(frozen=True, kw_only=True)
class ModelArtifact:
    """What was learned and frozen: named arrays and a small JSON-able description, never code."""

    kind: str
    arrays: Mapping[str, NDArray[Any]]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ScoredReadings:
    """One answer a reading, in the order of the batch; every array has shape (n,).

    scores: < 0 anomaly, >= 0 normal. confidences: 1 - calibrated tail probability, in [0, 1].
    severities: 0 inside the expected band, else the distance from it in robust standard deviations.
    band_low, band_high: the expected band in the metric's unit.
    reasons: per anomalous position, the words and figures behind it (JSON-able).
    """

    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    confidences: NDArray[np.float64]
    severities: NDArray[np.float64]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]
    reasons: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Which readings are anomalies, shape (n,)."""
        return self.scores < 0


EMPTY_STATE = b""
"""The saved state of a detector that keeps none."""


class Detector(Protocol):
    """A kind of detector. `fit` freezes an artifact; `update` scores an ordered batch and carries state on."""

    kind: str

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn from clean readings; raises InsufficientDataError or UnmodellableSeriesError."""
        ...

    def update(
        self, artifact: ModelArtifact, state: bytes, batch: Readings
    ) -> tuple[ScoredReadings, bytes]:
        """Score `batch` in order and return the state to save with it (no pickle; empty if stateless)."""
        ...


def detector_of_kind(kind: str, kinds: Sequence[Detector] | None = None) -> Detector:
    """The registered detector of that kind; raises UnknownDetectorKindError naming the known ones."""
    if kinds is None:
        from ml_core.domain.detector_kinds import DETECTOR_KINDS as kinds
    for detector in kinds:
        if detector.kind == kind:
            return detector
    known = ", ".join(detector.kind for detector in kinds)
    raise UnknownDetectorKindError(f"unknown detector kind {kind!r}; known kinds: {known}")
