"""One answer of the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class GateCheck:
    """A question that the gate asked: whether it passed, the figures behind it, and the reason in words."""

    name: str
    passed: bool
    reason: str
    value: float | None = None
    threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """One row of the gate's table; figures that JSON cannot hold are left to the words."""
        return {
            "check": self.name,
            "passed": self.passed,
            "value": _finite(self.value),
            "threshold": _finite(self.threshold),
            "reason": self.reason,
        }


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None
