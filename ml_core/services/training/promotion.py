"""What follows the gate's decision about a candidate: who serves, what is scored with, what is kept as gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.gate.questions import GateReport
from ml_core.domain.incidents.finding import Observation
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training.training_window import choose_gold
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.gold_windows import GoldWindows
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.scoring_log import ScoringLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.ports.unit_of_work import UnitOfWork
from ml_core.services.training.trainer import Candidate


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Carries decisions out, each as one transaction, so that a crash leaves none half done."""

    series: SeriesRegistry
    models: ModelRegistry
    gold: GoldWindows
    scoring: ScoringLog
    findings: FindingLedger
    unit: UnitOfWork
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
        clean = None if gold_from is None else self._choose_gold(candidate, gold_from)
        with self.unit.together():
            self.settle(record, version, resolving=(CheckName.ARTIFACT, CheckName.DRIFT))
            self.models.promote(
                version.model_id, champion_id=champion_id, at=self.now, reason=reason, evidence=report.to_json()
            )
            if clean is not None:
                self.gold.rebase(record.series_id, version.model_id, clean, at=self.now)

    def restore(
        self, record: SeriesRecord, former: ModelVersion, *, champion: ModelVersion | None, reason: str
    ) -> None:
        """Let a retired version serve again in place of the champion."""
        champion_id = None if champion is None else champion.model_id
        with self.unit.together():
            self.settle(record, former)
            self.models.promote(former.model_id, champion_id=champion_id, at=self.now, reason=reason)

    def settle(self, record: SeriesRecord, version: ModelVersion, *, resolving: Sequence[str] = ()) -> None:
        """Score with a version, call the series modelled, and resolve what was told of the version before.

        The locks are taken in the order of all others: findings, then a scoring state, then series and models.
        """
        begin_at = version.training_to or version.created_at
        with self.unit.together():
            self._resolve(record, version, (CheckName.TRAINING_FAILURES, CheckName.RETRAIN_REJECTED, *resolving))
            self.scoring.begin(record.series_id, version.model_id, watermark=begin_at, at=self.now)
            self.series.save_state(record.series_id, SeriesState.MODELLED, reason=None)

    def _choose_gold(self, candidate: Candidate, readings: Readings) -> Readings:
        return choose_gold(readings, candidate.contender.score(readings), self.gate.gold_readings)

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

    def reject(self, version: ModelVersion, report: GateReport, reason: str) -> None:
        """Keep a candidate from serving, with the gate's table."""
        self.models.set_status(
            version.model_id,
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
