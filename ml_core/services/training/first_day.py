"""The first day of a promoted model: far louder than its champion, it steps back by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_core.domain.gate.first_day_rule import check_first_day, is_first_day_over, replaced_by
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import GatePolicy, RetrainPolicy
from ml_core.domain.series import Readings
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.domain.training.retrain_rules import Standing
from ml_core.errors import DatabaseUnavailableError, describe_error
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.training.contenders import load_contender
from ml_core.services.training.promotion import Promotion
from ml_core.services.training.retrain_tally import RetrainTally
from ml_core.services.training.setbacks import Setbacks


@dataclass(frozen=True, kw_only=True)
class FirstDay:
    """Compares a young champion with the version that it replaced."""

    telemetry: TelemetrySource
    artifacts: ArtifactStore
    promotion: Promotion
    setbacks: Setbacks
    policy: RetrainPolicy
    gate: GatePolicy
    expected_alarm_rate: float
    now: datetime

    def is_over(self, standing: Standing) -> bool:
        """Whether its champion is to be looked at now; a pinned one stays, whatever it says."""
        champion = standing.champion
        return champion is not None and not champion.pinned and is_first_day_over(champion, self.now)

    def judge(self, standings: Sequence[Standing], tally: RetrainTally) -> list[RunItem]:
        """Roll back those that are too loud; nothing is told of the others."""
        retired = self.promotion.models.list_versions(
            series_ids=[standing.record.series_id for standing in standings], statuses=[ModelStatus.RETIRED]
        )
        pairs = [
            (standing, standing.champion, former)
            for standing in standings
            if standing.champion is not None
            and (former := replaced_by(standing.champion, _of(standing, retired))) is not None
        ]
        readings = self.telemetry.fetch(
            [
                Window(key=standing.record.key, after=champion.promoted_at, until=self.now)
                for standing, champion, _ in pairs
            ]
        )
        items = [self._decide(*pair, readings[pair[0].record.key], tally) for pair in pairs]
        return [item for item in items if item is not None]

    def _decide(
        self,
        standing: Standing,
        champion: ModelVersion,
        former: ModelVersion,
        live: Readings,
        tally: RetrainTally,
    ) -> RunItem | None:
        if len(live) == 0 or former.artifact_sha256 is None or former.artifact_purged_at is not None:
            return None
        try:
            check = self._examine(champion, former, live)
            if check.passed:
                return None
            self._roll_back(standing, champion, former, check.reason)
        except DatabaseUnavailableError:
            raise
        except Exception as exc:  # noqa: BLE001 - one series' surprise is its own failure, and is told
            tally.failed += 1
            return _item(standing, ItemOutcome.FAILED, describe_error(exc))
        tally.rolled_back += 1
        return _item(standing, ItemOutcome.SUCCEEDED, f"rolled back to version {former.version}: {check.reason}")

    def _examine(self, champion: ModelVersion, former: ModelVersion, live: Readings) -> GateCheck:
        return check_first_day(
            load_contender(champion, self.artifacts),
            load_contender(former, self.artifacts),
            live,
            target_alarm_rate=self.expected_alarm_rate,
            max_ratio=self.policy.max_rollback_alarm_ratio,
            gate=self.gate,
        )

    def _roll_back(self, standing: Standing, champion: ModelVersion, former: ModelVersion, reason: str) -> None:
        self.promotion.restore(standing.record, former, champion=champion, reason=reason)
        self.setbacks.warn_refused(
            replace(standing, champion=former), f"version {champion.version} was too loud: {reason}"
        )


def _of(standing: Standing, versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    return [version for version in versions if version.series_id == standing.record.series_id]


def _item(standing: Standing, outcome: ItemOutcome, reason: str) -> RunItem:
    return RunItem(series_id=standing.record.series_id, outcome=outcome, reason=reason)
