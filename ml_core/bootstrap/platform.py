"""The platform: every adapter by its port, and the services that several entry points make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ml_core.bootstrap.channels import Channels
from ml_core.bootstrap.grafana import GrafanaParts
from ml_core.bootstrap.ledgers import Ledgers
from ml_core.services.runs import RunRecorder
from ml_core.settings import Settings

if TYPE_CHECKING:
    from ml_core.services.explaining import Explainer
    from ml_core.services.reviews import Reviews
    from ml_core.services.scoring.artifact_cache import ArtifactCache
    from ml_core.services.training.promotion import Promotion
    from ml_core.services.training.setbacks import Setbacks
    from ml_core.services.training.trainer import Trainer


class Platform(Ledgers, GrafanaParts, Channels):
    """Everything outside of the rules, made when first asked for from one set of settings."""

    @cached_property
    def artifact_cache(self) -> ArtifactCache:
        """The models that were used last, decoded."""
        from ml_core.services.scoring.artifact_cache import ArtifactCache

        return ArtifactCache(self.artifacts, max_bytes=self.settings.scoring.artifact_cache_mb * 1_000_000)

    def trainer(self, run: RunRecorder, *, now: datetime) -> Trainer:
        """What makes candidates of readings within a run."""
        from ml_core.services.training.fitting import Execution
        from ml_core.services.training.trainer import Trainer

        return Trainer(
            models=self.models,
            artifacts=self.artifacts,
            options=self.settings.detector,
            policy=self.settings.training,
            now=now,
            run=run,
            execution=Execution(backend=self.settings.execution.backend, jobs=self.settings.execution.jobs),
        )

    def promotion(self, *, now: datetime) -> Promotion:
        """What carries out decisions about candidates."""
        from ml_core.services.training.promotion import Promotion

        return Promotion(
            series=self.series,
            models=self.models,
            gold=self.gold,
            scoring=self.scoring,
            findings=self.findings,
            unit=self.database,
            gate=self.settings.gate,
            now=now,
        )

    def setbacks(self, *, now: datetime) -> Setbacks:
        """What tells of attempts without a new model."""
        from ml_core.services.training.setbacks import Setbacks

        return Setbacks(
            series=self.series,
            models=self.models,
            findings=self.findings,
            training=self.settings.training,
            now=now,
        )

    def reviews(self, *, now: datetime) -> Reviews:
        """What takes people's verdicts in."""
        from ml_core.services.reviews import Reviews

        return Reviews(
            anomalies=self.anomalies, audits=self.audits, verdicts=self.verdicts, series=self.series, now=now
        )

    @cached_property
    def explainer(self) -> Explainer:
        """What tells how a decision came to be."""
        from ml_core.services.explaining import Explainer

        return Explainer(
            series=self.series,
            models=self.models,
            anomalies=self.anomalies,
            incidents=self.incidents,
            evidence=self.evidence,
        )


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a task is handed: the platform, the time, its slot, and its own run."""

    platform: Platform
    now: datetime
    slot: datetime
    run: RunRecorder
    dry_run: bool = False

    @property
    def settings(self) -> Settings:
        """The platform's settings."""
        return self.platform.settings
