"""How much one purge may remove without being asked."""

from __future__ import annotations

from dataclasses import dataclass

from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.retention import PurgePlan

MAX_GAP_DAYS = 3.0
"""Days without a purge that are made up for unasked. With a clock that leapt ahead, about one version of every
series expires at once: half a retrain cadence of a week would let all of them go."""


@dataclass(frozen=True, kw_only=True)
class BlastRadius:
    """What is expected to go; more than that waits for a person."""

    removals: int
    """Versions and orphan artifacts."""
    partitions: int
    """Months of the anomaly log."""

    @classmethod
    def expect(
        cls, *, series: int, days_since_last: float | None, retrain_days: float, policy: RetentionPolicy
    ) -> BlastRadius:
        """Twice what the retrain cadence of `series` makes expected, or the policy's floor; and one partition.

        `days_since_last` is None before the first purge of a site: the detections that it came with stay until
        somebody agrees.
        """
        gap_days = 1.0 if days_since_last is None else min(max(days_since_last, 1.0), MAX_GAP_DAYS)
        return cls(
            removals=max(policy.min_blast_radius, int(2 * gap_days * series / retrain_days)),
            partitions=0 if days_since_last is None else 1,
        )

    def holds(self, plan: PurgePlan) -> bool:
        """Whether the plan stays within."""
        return plan.removals <= self.removals and len(plan.partitions) <= self.partitions
