"""What stands behind an alarm, in words and figures: the leading features, each with what it was measured from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.detectors.adaptive.layout import FEATURES, SEASON_MEAN, SPANS
from ml_core.domain.detectors.adaptive.traces import Traces

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTPUT_NAME = "adaptive"
"""Which of the platform's outputs speaks in a detection: this one follows the series."""
LEADING = 3
"""Features told of an alarm, the strongest first."""
TELLING = 1.0
"""Evidence from which a feature after the first is worth telling: one chance in ten."""


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """Tells the alarms of one series in the metric's unit."""

    center: float
    scale: float
    threshold: float

    def explain(self, traces: Traces, values: NDArray[np.float64], i: int) -> dict[str, Any]:
        """The reason of the alarm at position i, JSON-able; ends of a band that is not known are None."""
        features = [self._feature(traces, values, i, j) for j in self._leading(traces.evidence[i])]
        low, high = (float(end) if math.isfinite(end) else None for end in traces.bands[i])
        return {
            "output": OUTPUT_NAME,
            "text": "; ".join(feature["text"] for feature in features),
            "value": float(values[i]),
            "band_low": low,
            "band_high": high,
            "evidence": float(traces.scores[i]),
            "threshold": self.threshold,
            "features": features,
        }

    def _leading(self, evidence: NDArray[np.float64]) -> list[int]:
        order = np.argsort(-evidence, kind="stable")[:LEADING]
        return [int(j) for rank, j in enumerate(order) if rank == 0 or evidence[j] >= TELLING]

    def _feature(self, traces: Traces, values: NDArray[np.float64], i: int, j: int) -> Mapping[str, Any]:
        name = FEATURES[j]
        kind, _, _ = name.partition("_")
        signed, expected = float(traces.signed[i, j]), float(traces.expected[i, j])
        unit_expected = expected * self.scale if kind == "spread" else self.center + expected * self.scale
        tell = {"level": self._level, "innovation": self._innovation, "season": self._season}.get(kind)
        if tell is not None:
            text = tell(float(values[i]), signed, unit_expected, name)
        else:
            span = (j - 2) // 2
            text = _span_words(kind, signed, float(traces.spreads[i, span]), *SPANS[span])
        return {
            "feature": name,
            "text": text,
            "value": signed,
            "expected": unit_expected,
            "tail_probability": 10.0 ** -float(traces.evidence[i, j]),
        }

    def _level(self, value: float, signed: float, expected: float, _: str) -> str:
        return f"value {value:.4g} is {abs(signed):.3g} spreads {_side(signed)} the long-run mean {expected:.4g}"

    def _innovation(self, value: float, signed: float, expected: float, _: str) -> str:
        return (
            f"value {value:.4g} is {abs(signed) * self.scale:.3g} {_side(signed)} the latest readings ({expected:.4g})"
        )

    def _season(self, value: float, signed: float, expected: float, name: str) -> str:
        size = f"{abs(signed) * self.scale:.3g} {_side(signed)} what is usual at this time"
        if name == "season":
            return f"value {value:.4g} is {size} ({expected:.4g})"
        return f"the last {SEASON_MEAN} readings are on average {size}"


def _side(signed: float) -> str:
    return "above" if signed > 0 else "below"


def _span_words(kind: str, signed: float, spread: float, latest: int, before: int) -> str:
    if kind == "spread":
        ratio = math.exp(signed)
        words = f"{ratio:.3g} times" if ratio >= 1 else f"only {ratio:.2g} of"
        return f"spread of the last {latest} readings {words} that of the {before} before"
    size = f"{abs(signed) / spread:.3g} sd" if spread > 0 else "clearly"
    return f"mean of the last {latest} readings {size} {_side(signed)} the {before} before"
