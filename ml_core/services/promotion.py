"""What follows the gate's decision about a candidate: who serves, what is scored with, what is kept as gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ml_core.domain.check_names import CheckName
from ml_core.domain.finding import Observation
from ml_core.domain.gate import GateReport
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training_window import choose_gold
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.gold_windows import GoldWindows
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.scoring_log import ScoringLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.setbacks import RETRAIN_REJECTED
from ml_core.services.training import Candidate


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Carries decisions out; each step may be repeated after a crash without harm."""

    series: SeriesRegistry
    models: ModelRegistry
    gold: GoldWindows
    scoring: ScoringLog
    findings: FindingLedger
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
