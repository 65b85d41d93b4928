"""What a discovery run found and made, in figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class DiscoveryTally:
    """Counts of one run; `trainable` is also what a dry run would train."""

    found: int = 0
    collecting: int = 0
    resting: int = 0
    trainable: int = 0
    trained: int = 0
    unmodellable: int = 0
    failed: int = 0
