"""What follows a decision about a candidate: who serves, what is scored with, what is kept as gold, what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ml_core.domain.check_names import CheckName
from ml_core.domain.collecting import count_failure
from ml_core.domain.finding import Observation, Severity
from ml_core.domain.gate import GateReport
from ml_core.domain.model_version import ModelEvent, ModelStatus, ModelVersion, TrainingCause
from ml_core.domain.policies import GatePolicy, TrainingPolicy
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training_window import choose_gold
from ml_core.errors import ArtifactError, ConflictError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.gold_windows import GoldWindows
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.scoring_log import ScoringLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.artifact_survey import load_artifact
from ml_core.services.training import Candidate

RETRAIN_REJECTED = "retrain_rejected"
"""The check that warns while the newest attempt to retrain a series was refused."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Carries decisions out; each step may be repeated after a crash without harm."""

    series: SeriesRegistry
    models: ModelRegistry
    artifacts: ArtifactStore
    gold: GoldWindows
    scoring: ScoringLog
    findings: FindingLedger
    training: TrainingPolicy
    gate: GatePolicy
    now: datetime

    def promote(
        self,
        record: SeriesRecord,
        candidate: Candidate,
        *,
        champion_id: UUID | None,
        report: GateReport,
        reason: str,
        gold_from: Readings | None,
    ) -> None:
        """Let the candidate serve; its gold window is taken from `gold_from`, or stays where that is None."""
        version = candidate.version
        self.models.promote(
            version.model_id, champion_id=champion_id, at=self.now, reason=reason, evidence=report.to_json()
        )
        if gold_from is not None:
            scores = candidate.contender.score(gold_from)
            clean = choose_gold(gold_from, scores, self.gate.gold_readings)
            self.gold.rebase(record.series_id, version.model_id, clean, at=self.now)
        self.settle(record, version)
        # Both were about the version before: this one's artifact has just been read, and its reference is new.
        self._resolve(record, version, (CheckName.ARTIFACT, CheckName.DRIFT))

    def settle(self, record: SeriesRecord, version: ModelVersion) -> None:
        """Score with the active version, and call the series modelled."""
        begin_at = version.training_to or version.created_at
        self.scoring.begin(record.series_id, version.model_id, watermark=begin_at, at=self.now)
        self.series.save_state(record.series_id, SeriesState.MODELLED, reason=None)
        self._resolve(record, version, (CheckName.TRAINING_FAILURES, RETRAIN_REJECTED))

    def _resolve(self, record: SeriesRecord, version: ModelVersion, checks: Sequence[str]) -> None:
        self.findings.observe(
            [
                Observation(
                    check=check,
                    series_id=record.series_id,
                    severity=None,
                    message=f"version {version.version} serves",
                    model_id=version.model_id,
                )
                for check in checks
            ],
            at=self.now,
        )

    def reject(self, candidate: Candidate, report: GateReport, reason: str) -> None:
        """Keep a candidate from serving, with the gate's table."""
        self.models.set_status(
            candidate.version.model_id,
            ModelStatus.REJECTED,
            at=self.now,
            reason=reason,
            event="not_promoted",
            evidence=report.to_json(),
        )

    def cancel(self, leftovers: Sequence[ModelVersion]) -> None:
        """Give up candidates of a run that ended before their gate."""
        for version in leftovers:
            self.models.set_status(
                version.model_id,
                ModelStatus.REJECTED,
                at=self.now,
                reason="the run that trained it ended before its gate",
                event="cancelled",
            )

    def tell_refused(self, record: SeriesRecord, cause: TrainingCause, reason: str) -> None:
        """An attempt that never made a candidate, such as for want of readings."""
        self.models.record(
            [
                ModelEvent(
                    series_id=record.series_id,
                    event="not_promoted",
                    happened_at=self.now,
                    cause=cause.value,
                    reason=reason,
                )
            ]
        )

    def warn_refused(
        self,
        record: SeriesRecord,
        champion: ModelVersion | None,
        reason: str,
        report: GateReport | None = None,
    ) -> None:
        """Warn that the model in use could not be replaced, with the gate's table if it came to that."""
        self.findings.observe(
            [
                Observation(
                    check=RETRAIN_REJECTED,
                    series_id=record.series_id,
                    severity=Severity.WARNING,
                    message=f"retraining was refused, the model in use stays: {reason}",
                    model_id=None if champion is None else champion.model_id,
                    evidence={} if report is None else report.to_json(),
                )
            ],
            at=self.now,
        )

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
        failed = ModelEvent(
            series_id=record.series_id,
            event="failed",
            happened_at=self.now,
            cause=cause.value,
            reason=reason,
        )
        self.models.record([failed])
        is_open = stands.circuit_open_until is not None
        self.findings.observe(
            [
                Observation(
                    check=CheckName.TRAINING_FAILURES,
                    series_id=record.series_id,
                    severity=Severity.CRITICAL if is_open else Severity.WARNING,
                    message=f"{stands.failures} trainings in a row failed, the last one because: {reason}",
                    value=stands.failures,
                    threshold=self.training.max_failures,
                )
            ],
            at=self.now,
        )

    def give_up(self, record: SeriesRecord, reason: str) -> None:
        """Call a series unmodellable until it is looked at again."""
        self.series.save_state(
            record.series_id,
            SeriesState.UNMODELLABLE,
            reason=reason,
            trainable_at=self.now + timedelta(days=self.training.recheck_days),
        )

    def roll_back(self, record: SeriesRecord, *, reason: str) -> ModelVersion:
        """Make the newest retired version whose artifact is whole serve again; ConflictError where none is."""
        versions = self.models.list_versions(
            series_ids=[record.series_id], statuses=[ModelStatus.ACTIVE, ModelStatus.RETIRED]
        )
        champion = next((version for version in versions if version.status is ModelStatus.ACTIVE), None)
        for version in reversed(versions):
            if version.status is ModelStatus.RETIRED and self._is_whole(version):
                self.models.promote(
                    version.model_id,
                    champion_id=None if champion is None else champion.model_id,
                    at=self.now,
                    reason=reason,
                )
                self.settle(record, version)
                return version
        raise ConflictError(f"{record.key} has no older version with a whole artifact to roll back to")

    def _is_whole(self, version: ModelVersion) -> bool:
        if version.artifact_purged_at is not None:
            return False
        try:
            load_artifact(version, self.artifacts)
        except ArtifactError:
            return False
        return True
