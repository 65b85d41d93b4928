"""The first model of each series that is ready for one: trained on what is sound, checked, and made to serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_core.domain.gate.questions import GateCase, examine_first
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.model_version import ModelStatus, ModelVersion, TrainingCause
from ml_core.domain.scoring.quiet_time import leave_out_quiet
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.training_window import sound_until
from ml_core.errors import DatabaseUnavailableError, describe_error
from ml_core.ports.quiet_calendar import QuietCalendar
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.training.discovery_tally import DiscoveryTally
from ml_core.services.training.fitting import NotTrained, TrainingProblem, TrainingRequest
from ml_core.services.training.promotion import Promotion
from ml_core.services.training.setbacks import Setbacks
from ml_core.services.training.trainer import Candidate, Trainer
from ml_core.services.training.waiting_series import WaitingSeries


@dataclass(frozen=True, kw_only=True)
class FirstModels:
    """Trains batches of series that have no model."""

    telemetry: TelemetrySource
    trainer: Trainer
    promotion: Promotion
    setbacks: Setbacks
    waiting: WaitingSeries
    calendar: QuietCalendar
    now: datetime

    def train(
        self,
        records: Sequence[SeriesRecord],
        findings: Mapping[int, Sequence[Finding]],
        tally: DiscoveryTally,
    ) -> list[RunItem]:
        """Give each series of a batch its first model, or the reason why not."""
        unserved, items = self._settle_interrupted(records)
        held = self._load(unserved, findings)
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

    def _load(
        self, records: Sequence[SeriesRecord], findings: Mapping[int, Sequence[Finding]]
    ) -> list[tuple[SeriesRecord, Readings]]:
        """The training windows, up to where a sensor finding begins, without maintenance."""
        after = self.now - self.waiting.window
        sound = {record.key: sound_until(findings.get(record.series_id, ()), self.now) for record in records}
        readings = self.telemetry.fetch(
            [Window(key=key, after=after, until=until) for key, until in sound.items() if after < until]
        )
        quiet = self.calendar.list_times(after=after, until=self.now)
        nothing = Readings.clean([], [])
        return [(record, leave_out_quiet(readings.get(record.key, nothing), quiet, record.key)) for record in records]

    def _wait(self, record: SeriesRecord, window: Readings, tally: DiscoveryTally) -> RunItem:
        readiness = self.waiting.estimate_window(window)
        tally.collecting += 1
        self.waiting.promise(record, readiness)
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
        except DatabaseUnavailableError:
            raise
        except Exception as exc:  # noqa: BLE001 - one series' surprise is its own failure, and is told
            tally.failed += 1
            return _item(record, ItemOutcome.FAILED, describe_error(exc))

    def _judge(self, record: SeriesRecord, candidate: Candidate, tally: DiscoveryTally) -> RunItem:
        report = examine_first(self._case(candidate))
        if not report.passed:
            self.promotion.reject(candidate.version, report, report.reason)
            failed = NotTrained(problem=TrainingProblem.FAILED, reason=report.reason)
            return self._tell(record, failed, tally)
        reason = f"first model, trained on {len(candidate.readings)} readings"
        self.promotion.promote(
            record, candidate, champion_id=None, report=report, reason=reason, gold_from=candidate.readings
        )
        tally.trained += 1
        return _item(record, ItemOutcome.SUCCEEDED, reason)

    def _case(self, candidate: Candidate) -> GateCase:
        return GateCase(
            challenger=candidate.contender,
            reloaded=candidate.reloaded,
            training=candidate.readings,
            fresh=candidate.readings,
            target_alarm_rate=self.trainer.expected_alarm_rate,
            min_readings=self.trainer.options.min_readings,
        )

    def _tell(self, record: SeriesRecord, outcome: NotTrained, tally: DiscoveryTally) -> RunItem:
        if outcome.problem is TrainingProblem.FAILED:
            tally.failed += 1
            self.setbacks.tell_failed(record, _cause(record), outcome.reason)
            return _item(record, ItemOutcome.FAILED, outcome.reason)
        tally.unmodellable += 1
        self.setbacks.give_up(record, outcome.reason)
        return _item(record, ItemOutcome.SKIPPED, outcome.reason)


def _cause(record: SeriesRecord) -> TrainingCause:
    return TrainingCause.ADOPTED if record.adopted else TrainingCause.FIRST


def _item(record: SeriesRecord, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=record.series_id, outcome=outcome, reason=reason)
