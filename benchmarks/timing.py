"""Wall times of rivals that take turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Action = Callable[[], Any]


def median_seconds(rivals: Mapping[str, Action], *, rounds: int, repeats: int = 1) -> dict[str, float]:
    """Median seconds of one call of each rival over `rounds` interleaved rounds of `repeats` calls each."""
    for action in rivals.values():
        action()  # imports and caches are not what is measured
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, action in rivals.items():
            times[name].append(_seconds(action, repeats))
    return {name: statistics.median(each) for name, each in times.items()}


def _seconds(action: Action, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - started) / repeats
