"""A chart of a few figures in one line of text, for places that show no pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"


def draw_sparkline(values: Sequence[float]) -> str:
    """One block a value, from the smallest at the bottom to the largest at the top; what is not finite is a gap."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, span = min(finite), max(finite) - min(finite)
    return "".join(_block(value, low, span) if math.isfinite(value) else " " for value in values)


def _block(value: float, low: float, span: float) -> str:
    if span <= 0:
        return _LEVELS[len(_LEVELS) // 2 - 1]
    # Half of each, as their difference may be too large for a float.
    share = (value / 2 - low / 2) / (span / 2) if math.isfinite(span) else 0.5 + value / 2 / max(abs(low), abs(value))
    return _LEVELS[min(len(_LEVELS) - 1, int(share * len(_LEVELS)))]
