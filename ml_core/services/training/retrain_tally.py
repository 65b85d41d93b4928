"""What a retrain run did, in figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class RetrainTally:
    """Counts of one run; `due` is also what a dry run would train."""

    due: int = 0
    promoted: int = 0
    shadowed: int = 0
    rejected: int = 0
    waiting: int = 0
    failed: int = 0
    pinned: int = 0
    rolled_back: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing was to be done of what may be trained."""
        return not (self.due or self.promoted or self.rejected or self.waiting or self.failed or self.rolled_back)
