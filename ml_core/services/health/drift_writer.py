"""Save drift verdicts with their findings, and bring the health of each series up to date with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ml_core.domain.checks.check import CheckResult, SeriesCheck
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.health import judge
from ml_core.domain.degradation.fleet_drift import observe_drift
from ml_core.domain.degradation.null_canary import NullCanary
from ml_core.domain.incidents.finding import Observation
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.series_record import Health
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.ports.check_log import CheckLog
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.runs import RunRecorder


@dataclass(kw_only=True)
class DriftTally:
    """What a degradation check found."""

    series_ids: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    observations: list[Observation] = field(default_factory=list)
    """What is wrong; kept for a dry run, which writes no findings."""
    shown: list[Observation] = field(default_factory=list)
    """What is told of a series that was tested alone, and does not count."""
    failed: int = 0
    canary: NullCanary | None = None
    """How often the test spoke where nothing had drifted."""

    @property
    def figures(self) -> dict[str, int | float]:
        """What the run keeps: counts, and the canary's rate."""
        return dict(self.counts) | (self.canary.to_json() if self.canary else {})


@dataclass(frozen=True, kw_only=True)
class DriftWriter:
    """Writes the verdicts of one shard at a time."""

    series: SeriesRegistry
    checks: CheckLog
    findings: FindingLedger
    now: datetime
    dry_run: bool = False

    def write(
        self,
        series_ids: Sequence[int],
        verdicts: Mapping[int, CheckResult],
        failed: Mapping[int, str],
        serving: Mapping[int, ModelVersion],
        run: RunRecorder,
        tally: DriftTally,
    ) -> None:
        """Save what is told of these series; those that an earlier attempt has saved are counted only."""
        told = {series_id: verdicts[series_id] for series_id in series_ids if series_id in verdicts}
        tally.counts.update(f"drift_{result.verdict.value}" for result in told.values())
        finished = run.finished_series()
        fresh = {series_id: result for series_id, result in told.items() if series_id not in finished}
        if run.run is not None and not self.dry_run:
            self._save(run.run.run_id, fresh, serving)
        seen = [
            replace(observation, model_id=serving[observation.series_id].model_id)
            for observation in observe_drift(fresh)
            if observation.series_id is not None
        ]
        self.observe(seen, tally)
        items = [RunItem(series_id=series_id, outcome=ItemOutcome.SUCCEEDED) for series_id in fresh]
        items += [
            RunItem(series_id=series_id, outcome=ItemOutcome.FAILED, reason=failed[series_id])
            for series_id in series_ids
            if series_id in failed
        ]
        tally.failed += sum(item.outcome is ItemOutcome.FAILED for item in items)
        run.record(items)

    def observe(self, observations: Sequence[Observation], tally: DriftTally) -> None:
        """Tell the ledger, unless this is a dry run."""
        tally.observations.extend(seen for seen in observations if seen.severity is not None)
        if not self.dry_run:
            changes = self.findings.observe(observations, at=self.now)
            tally.counts["findings_opened"] += changes.opened
            tally.counts["findings_refreshed"] += changes.refreshed
            tally.counts["findings_resolved"] += changes.resolved

    def _save(self, run_id: int, fresh: Mapping[int, CheckResult], serving: Mapping[int, ModelVersion]) -> None:
        checks = [
            SeriesCheck(series_id=series_id, model_id=serving[series_id].model_id, result=result)
            for series_id, result in fresh.items()
        ]
        self.checks.save(run_id, checks, at=self.now)
        self.series.save_health(self._judge_anew(list(fresh), serving), at=self.now)

    def _judge_anew(
        self, series_ids: Sequence[int], serving: Mapping[int, ModelVersion]
    ) -> dict[int, tuple[Health, Sequence[str]]]:
        """The health that follows from all newest checks of the serving model, drift included."""
        health: dict[int, tuple[Health, Sequence[str]]] = {}
        for series_id, checks in self.checks.latest_of_each(series_ids, until=self.now).items():
            model_id = serving[series_id].model_id
            results = [check.result for check in checks if check.model_id == model_id]
            # A model that the daily check has not seen yet keeps the verdict of its series.
            if any(result.check == CheckName.ARTIFACT for result in results):
                health[series_id] = judge(results)
        return health
