"""One comparison of a benchmark: ours beside a named peer, measured in the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.timing import median_seconds


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison, in seconds or bytes; `bound` is what the platform asks for, where it asks."""

    what: str
    unit: str
    ours: float
    peer_name: str
    peer: float
    bound: float | None = None

    @property
    def ratio(self) -> float:
        """How many times ours goes into the peer's figure: over 1 is better."""
        return self.peer / self.ours


def compare(
    what: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    *,
    peer_name: str,
    per: int = 1,
    bound: float | None = None,
    **settings: Any,
) -> Row:
    """A row of interleaved medians, each divided by the `per` readings that a call takes."""
    seconds = median_seconds({"ours": ours, "peer": peer}, **settings)
    return Row(
        what=what, unit="s", ours=seconds["ours"] / per, peer_name=peer_name, peer=seconds["peer"] / per, bound=bound
    )
