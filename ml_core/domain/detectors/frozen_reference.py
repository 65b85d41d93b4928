"""A frozen model of where a series was: scores, expected band, and what is behind an anomaly in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.domain.detectors.isolation import StepForest
from ml_core.domain.detectors.nonconformity import Nonconformity
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.detectors.threshold import TailModel
from ml_core.errors import ArtifactDamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

OUTPUT_NAME = "frozen_reference"
"""Which of the platform's outputs speaks in a detection: this one does not adapt."""

_MEASURE = ("mean", "scale", "range_low", "range_high", "robust_sd")


@dataclass(frozen=True, kw_only=True)
class FrozenReference:
    """A reading is an anomaly where its nonconformity exceeds the threshold; the tail says how rare it is."""

    measure: Nonconformity
    tail: TailModel
    threshold: float
    median: float

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> FrozenReference:
        """Open an artifact; raises ArtifactDamagedError where a part is missing or impossible."""
        try:
            return cls._open(artifact.arrays, artifact.metadata)
        except KeyError as exc:
            raise ArtifactDamagedError(f"the artifact lacks {exc.args[0]!r}; train the model again") from exc

    @classmethod
    def _open(cls, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> FrozenReference:
        forest = StepForest(
            breakpoints=arrays["breakpoints"], scores=arrays["scores"], offset=_number(metadata, "offset")
        )
        tail = TailModel(
            grid=arrays["tail_grid"],
            tail_share=_number(metadata, "tail_share"),
            scale=_number(metadata, "tail_scale"),
            shape=_number(metadata, "tail_shape"),
        )
        return cls(
            measure=Nonconformity(forest=forest, **{name: _number(metadata, name) for name in _MEASURE}),
            tail=tail,
            threshold=_number(metadata, "threshold"),
            median=_number(metadata, "median"),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `from_artifact` reads."""
        forest = self.measure.forest
        return {"breakpoints": forest.breakpoints, "scores": forest.scores, "tail_grid": self.tail.grid}

    def figures(self) -> dict[str, float]:
        """The figures that `from_artifact` reads."""
        return {name: getattr(self.measure, name) for name in _MEASURE} | {
            "offset": self.measure.forest.offset,
            "tail_share": self.tail.tail_share,
            "tail_scale": self.tail.scale,
            "tail_shape": self.tail.shape,
            "threshold": self.threshold,
            "median": self.median,
        }

    @cached_property
    def band(self) -> tuple[float, float]:
        """The expected band: the interval of values around the median that is scored normal."""
        return self.measure.band(self.threshold, self.median)

    def scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """threshold - nonconformity of each finite value, shape (n,): below 0 is an anomaly."""
        return self.threshold - self.measure.of(values)

    def score(self, timestamps: NDArray[np.datetime64], values: NDArray[np.float64]) -> ScoredReadings:
        """The full answer for readings of finite values, shape (n,)."""
        nonconformities = self.measure.of(values)
        scores = self.threshold - nonconformities
        rarities = self.tail.tail_probability(nonconformities)
        severities = np.where(scores < 0, self.measure.distance(values, *self.band), 0.0)
        return ScoredReadings(
            timestamps=timestamps,
            values=values,
            scores=scores,
            confidences=1.0 - rarities,
            severities=severities,
            band_low=np.full(values.shape, self.band[0]),
            band_high=np.full(values.shape, self.band[1]),
            reasons={
                int(i): self._reason(float(values[i]), float(severities[i]), float(rarities[i]))
                for i in np.flatnonzero(scores < 0)
            },
        )

    def _reason(self, value: float, severity: float, tail_probability: float) -> Mapping[str, Any]:
        low, high = self.band
        return {
            "output": OUTPUT_NAME,
            "text": _words(value, severity, low, high),
            "value": value,
            "band_low": low,
            "band_high": high,
            "tail_probability": tail_probability,
            "severity": severity,
        }


def _words(value: float, severity: float, low: float, high: float) -> str:
    """One clause for people: how far outside of which band."""
    side = "above" if value > high else "below"
    return f"{severity:.3g} robust sd {side} the expected band {low:.4g} to {high:.4g}"


def _number(metadata: Mapping[str, Any], name: str) -> float:
    number = metadata[name]
    if isinstance(number, bool) or not isinstance(number, int | float) or not np.isfinite(number):
        raise ArtifactDamagedError(f"{name} is {number!r}, not a finite number; train the model again")
    return float(number)


def find_reference(artifact: ModelArtifact) -> FrozenReference | None:
    """The frozen reference that an artifact holds, whatever its kind; None where it holds none."""
    return artifact.opened_by(FrozenReference.from_artifact) if "breakpoints" in artifact.arrays else None
