"""What is recorded and told where no new model came to serve a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.gate.questions import GateReport
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.model_version import ModelEvent, TrainingCause
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training.collecting import FailedTrainings, count_failure
from ml_core.domain.training.retrain_rules import Standing, tell_blocked
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry


@dataclass(frozen=True, kw_only=True)
class Setbacks:
    """Tells of attempts that were refused, that failed, and of series that are given up."""

    series: SeriesRegistry
    models: ModelRegistry
    findings: FindingLedger
    training: TrainingPolicy
    now: datetime

    def tell_refused(self, record: SeriesRecord, cause: TrainingCause, reason: str) -> None:
        """An attempt that never made a candidate, such as for want of readings."""
        self._record("not_promoted", record, cause, reason)

    def warn_refused(
        self,
        standing: Standing,
        reason: str,
        report: GateReport | None = None,
    ) -> None:
        """Warn that the model in use could not be replaced, with the gate's table if it came to that.

        Where the refusals have gone on for too long the model in use only grows older: a person is asked.
        """
        earlier = standing.findings.get(CheckName.RETRAIN_REJECTED)
        refused_days = 0.0 if earlier is None else (self.now - earlier.opened_at) / timedelta(days=1)
        is_blocked = refused_days >= self.training.max_refused_days
        message = f"retraining was refused, the model in use stays: {reason}"
        if is_blocked:
            message = tell_blocked(standing.record.key, refused_days, reason)
        warning = Observation(
            check=CheckName.RETRAIN_REJECTED,
            series_id=standing.record.series_id,
            severity=Severity.CRITICAL if is_blocked else Severity.WARNING,
            message=message,
            model_id=None if standing.champion is None else standing.champion.model_id,
            value=refused_days,
            threshold=self.training.max_refused_days,
            evidence={} if report is None else report.to_json(),
        )
        self.findings.observe([warning], at=self.now)

    def tell_failed(self, record: SeriesRecord, cause: TrainingCause, reason: str) -> None:
        """Count a failed training; the circuit of a series that fails again and again opens."""
        stands = count_failure(record, policy=self.training, now=self.now)
        self.series.save_state(
            record.series_id,
            stands.state,
            reason=reason,
            trainable_at=record.trainable_at,
            training_failures=stands.failures,
            circuit_open_until=stands.circuit_open_until,
        )
        self._record("failed", record, cause, reason)
        self._warn_failing(record, stands, reason)

    def give_up(self, record: SeriesRecord, reason: str) -> None:
        """Call a series unmodellable until it is looked at again."""
        self.series.save_state(
            record.series_id,
            SeriesState.UNMODELLABLE,
            reason=reason,
            trainable_at=self.now + timedelta(days=self.training.recheck_days),
        )

    def _record(self, event: str, record: SeriesRecord, cause: TrainingCause, reason: str) -> None:
        told = ModelEvent(
            series_id=record.series_id, event=event, happened_at=self.now, cause=cause.value, reason=reason
        )
        self.models.record([told])

    def _warn_failing(self, record: SeriesRecord, stands: FailedTrainings, reason: str) -> None:
        warning = Observation(
            check=CheckName.TRAINING_FAILURES,
            series_id=record.series_id,
            severity=Severity.WARNING if stands.circuit_open_until is None else Severity.CRITICAL,
            message=f"{stands.failures} trainings in a row failed, the last one because: {reason}",
            value=stands.failures,
            threshold=self.training.max_failures,
        )
        self.findings.observe([warning], at=self.now)
