"""What a model remembers of its training window, in the form that checks use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.detectors.expected_alarms import expected_alarm_rate
from ml_core.domain.model_version import ModelVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TrainingProfile:
    """Figures of a training window; None where the model does not know."""

    median_interval_s: float | None = None
    """D of the checks."""
    n_readings: int | None = None
    value_min: float | None = None
    value_max: float | None = None
    quantiles: NDArray[np.float64] | None = None
    """Values at evenly spaced levels from 0 to 1."""
    usual_outside_share: float | None = None
    """The largest share of a day of training (a third, where that is less) outside of the range of the rest."""
    autocorrelation_time: float | None = None
    """How many readings of training in a row tell as much as one independent one, from 1."""
    flat_run_p999: float | None = None
    expected_alarm_rate: float | None = None
    coverage: float | None = None
    """Readings over those expected at D, from 0 to 1: below 1 where a series reads irregularly."""

    def memory_readings(self, interval_s: float | None) -> float:
        """How many readings at this interval tell as much as one: memory lasts a time, not a count; from 1."""
        pace = self.median_interval_s / interval_s if self.median_interval_s and interval_s else 1.0
        return max(1.0, (self.autocorrelation_time or 1.0) * pace)

    @classmethod
    def of_model(cls, model: ModelVersion) -> TrainingProfile:
        """The profile of a registered version."""
        metadata = model.metadata
        interval_s, n = _positive(metadata, "median_interval_s"), _number(metadata, "n_readings")
        return cls(
            median_interval_s=interval_s,
            n_readings=None if n is None else int(n),
            value_min=_number(metadata, "value_min"),
            value_max=_number(metadata, "value_max"),
            quantiles=_quantiles(metadata),
            usual_outside_share=_number(metadata, "usual_outside_share"),
            autocorrelation_time=_positive(metadata, "autocorrelation_time"),
            flat_run_p999=_number(metadata, "flat_run_p999"),
            expected_alarm_rate=expected_alarm_rate(
                # An adaptive model alarms by its budget, whatever its frozen reference was made for.
                metadata.get("alarm_rate") or model.contamination or metadata.get("contamination"),
                model.target_alarm_rate or metadata.get("target_alarm_rate"),
                None,
            ),
            coverage=_coverage(n, interval_s, model.training_from, model.training_to),
        )


def _number(metadata: Mapping[str, Any], name: str) -> float | None:
    number = metadata.get(name)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return None
    return float(number)


def _positive(metadata: Mapping[str, Any], name: str) -> float | None:
    number = _number(metadata, name)
    return number if number is not None and number > 0 else None


def _quantiles(metadata: Mapping[str, Any]) -> NDArray[np.float64] | None:
    grid = metadata.get("quantiles")
    if not isinstance(grid, list | tuple) or len(grid) < 2:
        return None
    try:
        values = np.asarray(grid, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return values if bool(np.isfinite(values).all()) else None


def _coverage(n: float | None, interval_s: float | None, start: datetime | None, end: datetime | None) -> float | None:
    if n is None or interval_s is None or start is None or end is None or end <= start:
        return None
    expected = (end - start).total_seconds() / interval_s + 1
    return min(1.0, n / expected)
