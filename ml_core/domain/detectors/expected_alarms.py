"""The share of readings that a model is made to call anomalous."""

from __future__ import annotations

import math
from typing import TypeVar

_Otherwise = TypeVar("_Otherwise", float, None)


def expected_alarm_rate(contamination: object, target_alarm_rate: object, otherwise: _Otherwise) -> float | _Otherwise:
    """The quota where the model was given one, else its target, else `otherwise`; what is no share is passed over."""
    for rate in (contamination, target_alarm_rate):
        if isinstance(rate, int | float) and not isinstance(rate, bool) and math.isfinite(rate) and rate > 0:
            return float(rate)
    return otherwise
