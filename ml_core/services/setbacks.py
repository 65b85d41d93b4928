"""What is recorded and told where no new model came to serve a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.check_names import CheckName
from ml_core.domain.collecting import FailedTrainings, count_failure
from ml_core.domain.finding import Observation, Severity
from ml_core.domain.gate import GateReport
from ml_core.domain.model_version import ModelEvent, ModelVersion, TrainingCause
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry

RETRAIN_REJECTED = "retrain_rejected"
"""The check that warns while the newest attempt to retrain a series was refused."""


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
        record: SeriesRecord,
        champion: ModelVersion | None,
        reason: str,
        report: GateReport | None = None,
    ) -> None:
        """Warn that the model in use could not be replaced, with the gate's table if it came to that."""
        warning = Observation(
            check=RETRAIN_REJECTED,
            series_id=record.series_id,
            severity=Severity.WARNING,
            message=f"retraining was refused, the model in use stays: {reason}",
            model_id=None if champion is None else champion.model_id,
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
