"""The seam between the platform and any detector: what it learns, what it carries on, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

from ml_core.domain.detectors.adaptive.budget import FalseAlarmBudget
from ml_core.domain.detectors.adaptive.fleet import check_timezone
from ml_core.domain.policies import setting
from ml_core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.detectors.scored_readings import ScoredReadings
    from ml_core.domain.series import Readings

Opened = TypeVar("Opened")

LEAST_READINGS = 40
"""No setting may train on fewer: a quarter is held out, and ten values barely make a threshold."""
MAX_SHARE = 0.5
"""What is more common than its opposite is no anomaly; scikit-learn's own bound for a contamination."""
MAX_AGGREGATE_S = 3600.0
MAX_WHOLE = 2**32 - 1
"""Scikit-learn's bound for a random state; far beyond sense for the others."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What a site may choose about training; the settings take their defaults from here."""

    target_alarm_rate: float = setting(
        0.001, "Share of normal readings that may be called anomalous: one a week at ten-minute readings."
    )
    false_alarm_budget: str = setting(
        "1 per 2500 readings",
        "False alarms that a sensor may make (adaptive kind): '1 per sensor-week' or '1 per 2500 readings'.",
    )
    aggregate_below_s: float = setting(
        10.0, "Readings that come faster are averaged over so many seconds before alarms (adaptive kind); 0: never."
    )
    timezone: str = setting("UTC", "Time zone by whose clock the machines work, for daily and weekly profiles.")
    n_estimators: int = setting(100, "Trees of the isolation forest.")
    max_samples: int = setting(256, "Readings that each tree is grown on.")
    random_state: int = setting(42, "Seed: the same readings and seed give the same model bit for bit.")
    min_readings: int = setting(200, "Usable readings below which a series is not trained.")
    min_distinct_values: int = setting(5, "Distinct values below which a series is called unmodellable.")
    outlier_fence_iqrs: float = setting(
        8.0, "Readings so many interquartile ranges beyond the quartiles are not learned as normal; 0: all are."
    )
    max_outlier_share: float = setting(
        0.03, "Share of such readings above which they are a state of the machine, and are learned."
    )
    contamination: float | None = setting(
        None, "Quota of training readings to call anomalous instead of the target alarm rate."
    )

    def __post_init__(self) -> None:
        _check_share("target_alarm_rate", self.target_alarm_rate)
        _check_share("max_outlier_share", self.max_outlier_share)
        if not 0 <= self.outlier_fence_iqrs < float("inf"):
            raise ConfigurationError(f"outlier_fence_iqrs must be a number from 0, got {self.outlier_fence_iqrs!r}")
        if self.contamination is not None:
            _check_share("contamination", self.contamination)
        FalseAlarmBudget.parse(self.false_alarm_budget)
        if not 0 <= self.aggregate_below_s <= MAX_AGGREGATE_S:
            raise ConfigurationError(
                f"aggregate_below_s must be from 0 to {MAX_AGGREGATE_S:g}, got {self.aggregate_below_s!r}"
            )
        check_timezone(self.timezone)
        _check_whole("n_estimators", self.n_estimators, 1)
        _check_whole("max_samples", self.max_samples, 2)
        _check_whole("random_state", self.random_state, 0)
        _check_whole("min_readings", self.min_readings, LEAST_READINGS)
        _check_whole("min_distinct_values", self.min_distinct_values, 2)


def _check_share(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SHARE:
        raise ConfigurationError(f"{name} must be a number over 0 and at most {MAX_SHARE}, got {value!r}")


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_WHOLE:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {MAX_WHOLE}, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class ModelArtifact:
    """What was learned and frozen: named arrays and a small JSON-able description, never code."""

    kind: str
    arrays: Mapping[str, NDArray[Any]]
    metadata: Mapping[str, Any]
    _opened: dict[Callable[..., object], object] = field(default_factory=dict, init=False, compare=False, repr=False)

    def opened_by(self, reader: Callable[[ModelArtifact], Opened]) -> Opened:
        """What `reader` makes of it, made once: an artifact that is kept at hand is asked again and again."""
        if reader not in self._opened:
            self._opened[reader] = reader(self)
        return cast("Opened", self._opened[reader])


EMPTY_STATE = b""
"""The saved state of a detector that keeps none."""


class Detector(Protocol):
    """A kind of detector: `fit` freezes an artifact, `update` scores an ordered batch and passes state on."""

    kind: str

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn from clean readings; raises InsufficientDataError or UnmodellableSeriesError."""
        ...

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score `batch` in order and return the state to save with it (no pickle; empty if stateless)."""
        ...


Ask = tuple[ModelArtifact, bytes, "Readings"]
"""One series that is to be scored: its artifact, its saved state and what is new."""


@runtime_checkable
class FleetDetector(Detector, Protocol):
    """A detector that also scores many series in one call, with the answers that `update` gives each of them."""

    def update_fleet(self, asked: Sequence[Ask]) -> list[tuple[ScoredReadings, bytes]]:
        """One answer a series, in order."""
        ...
