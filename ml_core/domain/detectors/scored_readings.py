"""What a detector answers: score, confidence and expected band of each reading, with reasons where it is an anomaly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ScoredReadings:
    """One answer a reading, in the order of the batch; every array has shape (n,).

    scores: < 0 anomaly, >= 0 normal. confidences: 1 - calibrated tail probability, in [0, 1].
    severities: 0 inside the expected band, else the distance from it in robust standard deviations.
    band_low, band_high: the expected band in the metric's unit.
    reasons: per anomalous position, the words and figures behind it (JSON-able).
    holds: readings that are no anomalies but keep an open episode alive, since the detector's statistic stays over
    half of its threshold; None where a kind has no such statistic.
    """

    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    confidences: NDArray[np.float64]
    severities: NDArray[np.float64]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]
    reasons: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    holds: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Which readings are anomalies, shape (n,)."""
        return self.scores < 0
