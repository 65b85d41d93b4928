"""From new series to first models: register, wait until there is enough, train, promote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.collecting import Readiness, estimate_readiness, may_be_tried
from ml_core.domain.finding import Finding
from ml_core.domain.gate import GateCase, examine_first
from ml_core.domain.model_version import ModelStatus, ModelVersion, TrainingCause
from ml_core.domain.series import Readings, SeriesKey, to_datetime
from ml_core.domain.series_record import SeriesExtent, SeriesRecord, SeriesState
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training_window import SENSOR_CHECKS, group_findings, sound_until
from ml_core.errors import MLHealthError
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.named_series import list_named
from ml_core.services.promotion import Promotion
from ml_core.services.runs import RunRecorder
from ml_core.services.training import (
    Candidate,
    NotTrained,
    Trainer,
    TrainingProblem,
    TrainingRequest,
    raise_if_database_is_gone,
)

ETA_SLACK = timedelta(hours=1)
"""A promise that moves by less is not written again."""


@dataclass(kw_only=True)
class DiscoveryTally:
    """What one run found and made; `trainable` counts what a dry run would train."""

    found: int = 0
    collecting: int = 0
    resting: int = 0
    trainable: int = 0
    trained: int = 0
    unmodellable: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """One discovery run."""

    telemetry: TelemetrySource
    trainer: Trainer
    promotion: Promotion
    now: datetime
    dry_run: bool = False

    def discover(self, run: RunRecorder, *, only: str | None = None) -> DiscoveryTally:
        """Register what telemetry holds and give a first model to each series that is ready for one.

        With `only`, of all that is known just the series of that name, DEVICE:METRIC, is looked at.
        """
        tally = DiscoveryTally()
        extents = {extent.key: extent for extent in self.telemetry.list_extents(until=self.now)}
        if not self.dry_run:
            tally.found = self.promotion.series.register(list(extents.values()), at=self.now)
        ready = self._pick_ready(list_named(self.promotion.series, only), extents, tally)
        tally.trainable = len(ready)
        if not self.dry_run:
            self._train_all(ready, run, tally)
        return tally

    def _pick_ready(
        self, known: Sequence[SeriesRecord], extents: Mapping[SeriesKey, SeriesExtent], tally: DiscoveryTally
    ) -> list[SeriesRecord]:
        ready = []
        for record in known:
            if record.state is SeriesState.MODELLED:
                continue
            extent = extents.get(record.key)
            if not may_be_tried(record, policy=self.trainer.policy, now=self.now):
                tally.resting += 1
            elif extent is None or not (readiness := self._estimate(extent)).ready:
                tally.collecting += 1
                if extent is not None:
                    self._save_wait(record, readiness)
            else:
                ready.append(record)
        return ready

    def _estimate(self, extent: SeriesExtent) -> Readiness:
        return estimate_readiness(
            readings=extent.readings,
            first_at=extent.first_at,
            newest_at=extent.newest_at,
            min_readings=self.trainer.options.min_readings,
            window=self._window,
            now=self.now,
        )

    def _save_wait(self, record: SeriesRecord, readiness: Readiness) -> None:
        before, after = record.trainable_at, readiness.trainable_at
        unchanged = before == after if before is None or after is None else abs(after - before) < ETA_SLACK
        if self.dry_run or (unchanged and record.state_reason is not None):
            return
        self.promotion.series.save_state(
            record.series_id,
            SeriesState.COLLECTING,
            reason=readiness.reason,
            trainable_at=after,
            training_failures=record.training_failures,
        )

    def _train_all(self, ready: Sequence[SeriesRecord], run: RunRecorder, tally: DiscoveryTally) -> None:
        finished = run.finished_series()
        todo = [record for record in ready if record.series_id not in finished]
        findings = group_findings(self.promotion.findings.list_open(now=self.now, checks=SENSOR_CHECKS) if todo else [])
        size = self.trainer.policy.series_per_batch
        for start in range(0, len(todo), size):
            run.progress("first models", start, len(todo))
            run.record(self._train_batch(todo[start : start + size], findings, tally))
        run.progress("first models", len(todo), len(todo))

    def _train_batch(
        self,
        records: Sequence[SeriesRecord],
        findings: Mapping[int, Sequence[Finding]],
        tally: DiscoveryTally,
    ) -> list[RunItem]:
        records, items = self._settle_interrupted(records)
        after = self.now - self._window
        sound = {record.key: sound_until(findings.get(record.series_id, ()), self.now) for record in records}
        readings = self.telemetry.fetch(
            [Window(key=key, after=after, until=until) for key, until in sound.items() if after < until]
        )
        nothing = Readings.clean([], [])
        held = [(record, readings.get(record.key, nothing)) for record in records]
        least = self.trainer.options.min_readings
        items += [self._wait(record, window, tally) for record, window in held if len(window) < least]
        enough = [(record, window) for record, window in held if len(window) >= least]
        outcomes = self.trainer.train([self._request(record, window) for record, window in enough])
        items += [self._conclude(record, outcome, tally) for (record, _), outcome in zip(enough, outcomes, strict=True)]
        return items

    def _settle_interrupted(self, records: Sequence[SeriesRecord]) -> tuple[list[SeriesRecord], list[RunItem]]:
        """Finish what a killed run left: candidates without a gate, champions whose series does not know them."""
        versions = self.promotion.models.list_versions(
            series_ids=[record.series_id for record in records],
            statuses=[ModelStatus.CANDIDATE, ModelStatus.ACTIVE],
        )
        self.promotion.cancel([v for v in versions if v.status is ModelStatus.CANDIDATE])
        champions = {v.series_id: v for v in versions if v.status is ModelStatus.ACTIVE}
        items = [
            self._settle(record, champions[record.series_id]) for record in records if record.series_id in champions
        ]
        return [record for record in records if record.series_id not in champions], items

    def _settle(self, record: SeriesRecord, champion: ModelVersion) -> RunItem:
        self.promotion.settle(record, champion)
        return _item(record, ItemOutcome.SUCCEEDED, f"version {champion.version} serves already")

    def _wait(self, record: SeriesRecord, window: Readings, tally: DiscoveryTally) -> RunItem:
        """The training window holds less than the whole history did."""
        readiness = estimate_readiness(
            readings=len(window),
            first_at=to_datetime(window.timestamps[0]) if len(window) else None,
            newest_at=to_datetime(window.timestamps[-1]) if len(window) else None,
            min_readings=self.trainer.options.min_readings,
            window=self._window,
            now=self.now,
        )
        tally.collecting += 1
        self._save_wait(record, readiness)
        return _item(record, ItemOutcome.SKIPPED, f"in the training window: {readiness.reason}")

    def _request(self, record: SeriesRecord, window: Readings) -> TrainingRequest:
        return TrainingRequest(
            series_id=record.series_id,
            kind=self.trainer.kind_of(record.key),
            readings=window,
            cause=_cause(record),
        )

    def _conclude(self, record: SeriesRecord, outcome: Candidate | NotTrained, tally: DiscoveryTally) -> RunItem:
        try:
            if isinstance(outcome, Candidate):
                return self._judge(record, outcome, tally)
            return self._tell(record, outcome, tally)
        except MLHealthError as exc:
            raise_if_database_is_gone(exc)
            tally.failed += 1
            return _item(record, ItemOutcome.FAILED, str(exc))

    def _judge(self, record: SeriesRecord, candidate: Candidate, tally: DiscoveryTally) -> RunItem:
        report = examine_first(
            GateCase(
                challenger=candidate.contender,
                reloaded=candidate.reloaded,
                training=candidate.readings,
                fresh=candidate.readings,
                target_alarm_rate=self.trainer.expected_alarm_rate,
                min_readings=self.trainer.options.min_readings,
            )
        )
        if not report.passed:
            self.promotion.reject(candidate, report, report.reason)
            failed = NotTrained(problem=TrainingProblem.FAILED, reason=report.reason)
            return self._tell(record, failed, tally)
        reason = f"first model, trained on {len(candidate.readings)} readings"
        self.promotion.promote(
            record, candidate, champion_id=None, report=report, reason=reason, gold_from=candidate.readings
        )
        tally.trained += 1
        return _item(record, ItemOutcome.SUCCEEDED, reason)

    def _tell(self, record: SeriesRecord, outcome: NotTrained, tally: DiscoveryTally) -> RunItem:
        if outcome.problem is TrainingProblem.FAILED:
            tally.failed += 1
            self.promotion.tell_failed(record, _cause(record), outcome.reason)
            return _item(record, ItemOutcome.FAILED, outcome.reason)
        tally.unmodellable += 1
        self.promotion.give_up(record, outcome.reason)
        return _item(record, ItemOutcome.SKIPPED, outcome.reason)

    @property
    def _window(self) -> timedelta:
        return timedelta(days=self.trainer.policy.window_days)


def _cause(record: SeriesRecord) -> TrainingCause:
    return TrainingCause.ADOPTED if record.adopted else TrainingCause.FIRST


def _item(record: SeriesRecord, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=record.series_id, outcome=outcome, reason=reason)
