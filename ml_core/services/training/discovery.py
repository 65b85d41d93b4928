"""From new series to first models: register, wait until there is enough, then train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent, SeriesRecord, SeriesState
from ml_core.domain.training.collecting import may_be_tried
from ml_core.domain.training.training_window import SENSOR_CHECKS, group_findings
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.ports.telemetry import TelemetrySource
from ml_core.services.named_series import choose_named, list_named
from ml_core.services.runs import RunRecorder
from ml_core.services.training.discovery_tally import DiscoveryTally
from ml_core.services.training.first_models import FirstModels
from ml_core.services.training.waiting_series import WaitingSeries


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """One discovery run."""

    telemetry: TelemetrySource
    series: SeriesRegistry
    findings: FindingLedger
    waiting: WaitingSeries
    first_models: FirstModels
    policy: TrainingPolicy
    now: datetime
    dry_run: bool = False

    def discover(self, run: RunRecorder, *, only: str | None = None) -> DiscoveryTally:
        """Register what telemetry holds and give a first model to each series that is ready for one.

        With `only`, of all that is known just the series of that name, DEVICE:METRIC, is looked at.
        """
        tally = DiscoveryTally()
        extents = {extent.key: extent for extent in self.telemetry.list_extents(until=self.now)}
        if not self.dry_run:
            tally.found = self.series.register(list(extents.values()), at=self.now)
            known = list_named(self.series, only)
        else:
            known = self._foresee(extents, tally, only)
        ready = self._pick_ready(known, extents, tally)
        tally.trainable = len(ready)
        if not self.dry_run:
            self._train_all(ready, run, tally)
        return tally

    def _foresee(
        self, extents: Mapping[SeriesKey, SeriesExtent], tally: DiscoveryTally, only: str | None
    ) -> list[SeriesRecord]:
        """What would be known: a dry run registers nothing, so new series stand in as they would begin."""
        known = self.series.list_series()
        new = extents.keys() - {record.key for record in known}
        tally.found = len(new)
        known += [
            SeriesRecord(series_id=0, key=key, state=SeriesState.COLLECTING, discovered_at=self.now)
            for key in sorted(new)
        ]
        return choose_named(known, only)

    def _pick_ready(
        self, known: Sequence[SeriesRecord], extents: Mapping[SeriesKey, SeriesExtent], tally: DiscoveryTally
    ) -> list[SeriesRecord]:
        ready = []
        for record in known:
            if record.state is SeriesState.MODELLED:
                continue
            extent = extents.get(record.key)
            if not may_be_tried(record, policy=self.policy, now=self.now):
                tally.resting += 1
            elif extent is None or not (readiness := self.waiting.estimate(extent)).ready:
                tally.collecting += 1
                if extent is not None:
                    self.waiting.promise(record, readiness)
            else:
                ready.append(record)
        return ready

    def _train_all(self, ready: Sequence[SeriesRecord], run: RunRecorder, tally: DiscoveryTally) -> None:
        finished = run.finished_series()
        todo = [record for record in ready if record.series_id not in finished]
        if not todo:
            return
        self.first_models.trainer.require_store()
        findings = group_findings(self.findings.list_open(now=self.now, checks=SENSOR_CHECKS))
        size = self.policy.series_per_batch
        for start in range(0, len(todo), size):
            run.progress("first models", start, len(todo))
            run.record(self.first_models.train(todo[start : start + size], findings, tally))
        run.progress("first models", len(todo), len(todo))
