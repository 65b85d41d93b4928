"""What a detector said of a series, beside what people know of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.errors import InvalidReadingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, order=True)
class EventWindow:
    """Positions of a labelled event, first and last, counted from the first scored reading.

    `first` is negative where the event began among the training readings.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidReadingsError(f"an event ends at {self.last}, before its start at {self.first}")

    @property
    def length(self) -> int:
        """Readings of the event, those before the scored part included."""
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class LabelledScores:
    """The scored readings of one series, or of one device as a whole.

    scores: higher is stranger, finite, shape (n,). alarms: shape (n,).
    windows: disjoint and ascending, each with a reading among the scored ones.
    step_s: seconds between readings. buffer: readings around an event that VUS-PR forgives.
    refusal: why nothing could be learned of the series, where that is so.
    """

    name: str
    scores: NDArray[np.float64]
    alarms: NDArray[np.bool_]
    windows: Sequence[EventWindow]
    step_s: float
    buffer: int
    refusal: str | None = None

    def __post_init__(self) -> None:
        if self.scores.ndim != 1 or self.scores.shape != self.alarms.shape or self.scores.size == 0:
            raise InvalidReadingsError(
                f"{self.name}: scores {self.scores.shape} and alarms {self.alarms.shape} must be of one length over 0"
            )
        if not np.isfinite(self.scores).all():
            raise InvalidReadingsError(f"{self.name}: a score is not finite; every reading needs one")
        _check_windows(self.name, self.windows, self.scores.size)

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Which scored readings lie in an event, shape (n,)."""
        return label_readings(self.windows, self.scores.size)


def _check_windows(name: str, windows: Sequence[EventWindow], n: int) -> None:
    for window in windows:
        if window.last < 0 or window.first >= n:
            raise InvalidReadingsError(f"{name}: event {window.first}..{window.last} lies outside of 0..{n - 1}")
    for earlier, later in itertools.pairwise(windows):
        if later.first <= earlier.last:
            raise InvalidReadingsError(
                f"{name}: events {earlier.first}..{earlier.last} and {later.first}..{later.last} overlap or are "
                f"out of order; join them"
            )


def label_readings(windows: Iterable[EventWindow], n: int) -> NDArray[np.bool_]:
    """Which of n scored readings lie in a window, shape (n,)."""
    labels = np.zeros(n, dtype=np.bool_)
    for window in windows:
        labels[max(window.first, 0) : window.last + 1] = True
    return labels


def join_windows(windows: Iterable[EventWindow], n: int) -> tuple[EventWindow, ...]:
    """The windows in order, those that meet joined, those without one of the n scored readings left out."""
    joined: list[EventWindow] = []
    for window in sorted(windows):
        if window.last < 0 or window.first >= n:
            continue
        if joined and window.first <= joined[-1].last + 1:
            joined[-1] = EventWindow(first=joined[-1].first, last=max(joined[-1].last, window.last))
        else:
            joined.append(window)
    return tuple(joined)
