"""Save verdicts with their findings, and count what was found and done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ml_core.domain.incidents.finding import Observation
from ml_core.domain.series_record import Health
from ml_core.ports.check_log import CheckLog
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.health.series_health import SeriesHealth
from ml_core.services.runs import RunRecorder


@dataclass(kw_only=True)
class HealthTally:
    """What a health check found and did."""

    series_ids: list[int] = field(default_factory=list)
    health: Counter[Health] = field(default_factory=Counter)
    """Of series that should have a model."""
    actions: Counter[str] = field(default_factory=Counter)
    observations: list[Observation] = field(default_factory=list)
    """What is wrong; kept for a dry run, which writes no findings."""
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class HealthWriter:
    """Writes the answers on one shard at a time."""

    series: SeriesRegistry
    checks: CheckLog
    findings: FindingLedger
    now: datetime
    dry_run: bool = False

    def write(self, judged: Sequence[SeriesHealth], run: RunRecorder, tally: HealthTally) -> None:
        """Save checks and health of these series, tell their findings and count them."""
        if run.run is not None and not self.dry_run:
            self.checks.save(run.run.run_id, [check for answer in judged for check in answer.checks], at=self.now)
            health = {answer.record.series_id: (answer.health, answer.reasons) for answer in judged}
            self.series.save_health(health, at=self.now)
        self.observe([seen for answer in judged for seen in answer.observations], tally)
        for answer in judged:
            self._count(answer, tally)

    def observe(self, observations: Sequence[Observation], tally: HealthTally) -> None:
        """Tell the ledger, unless this is a dry run."""
        tally.observations.extend(seen for seen in observations if seen.severity is not None)
        if not self.dry_run:
            changes = self.findings.observe(observations, at=self.now)
            tally.actions["findings_opened"] += changes.opened
            tally.actions["findings_refreshed"] += changes.refreshed
            tally.actions["findings_resolved"] += changes.resolved

    def _count(self, answer: SeriesHealth, tally: HealthTally) -> None:
        if answer.serving is None:
            tally.actions["without_model"] += 1
        else:
            tally.health[answer.health] += 1
            tally.actions["quarantined"] += answer.serving.quarantined
            tally.actions["rolled_back"] += answer.serving.rolled_back
        tally.actions["muted"] += answer.record.is_muted(self.now)
