"""A series with its labelled events, split into what a detector learns from and what it is judged on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ml_core.domain.evaluation.autocorrelation_buffer import autocorrelation_buffer
from ml_core.domain.evaluation.labelled_scores import EventWindow, join_windows
from ml_core.domain.series import Readings
from ml_core.errors import InsufficientDataError


@dataclass(frozen=True, kw_only=True)
class LabelledSeries:
    """Readings, of which the first `n_training` are for learning only; `windows` as in LabelledScores."""

    name: str
    device: str
    readings: Readings
    n_training: int
    windows: Sequence[EventWindow]

    def __post_init__(self) -> None:
        if not 0 < self.n_training < len(self.readings):
            raise InsufficientDataError(
                f"{self.name}: {self.n_training} of {len(self.readings)} readings are for training; at least one, "
                f"and at least one left to be scored, are needed"
            )

    @classmethod
    def split(
        cls, *, name: str, device: str, readings: Readings, n_training: int, events: Iterable[tuple[int, int]]
    ) -> LabelledSeries:
        """Of events given as first and last position in `readings`; those over before scoring are left out."""
        windows = [EventWindow(first=first - n_training, last=last - n_training) for first, last in events]
        return cls(
            name=name,
            device=device,
            readings=readings,
            n_training=n_training,
            windows=join_windows(windows, len(readings) - n_training),
        )

    @property
    def training(self) -> Readings:
        """The readings to learn from."""
        return _cut(self.readings, 0, self.n_training)

    @property
    def scored(self) -> Readings:
        """The readings to score, in their order."""
        return _cut(self.readings, self.n_training, len(self.readings))

    @property
    def step_s(self) -> float:
        """Median seconds between readings; 0 for a single one."""
        return self.readings.median_interval_s() or 0.0

    @cached_property
    def buffer(self) -> int:
        """Readings around an event that VUS-PR forgives."""
        return autocorrelation_buffer(self.readings.values)


def _cut(readings: Readings, first: int, end: int) -> Readings:
    return Readings(timestamps=readings.timestamps[first:end], values=readings.values[first:end])
