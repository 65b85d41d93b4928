"""Which model serves each series, after what is damaged was put aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_core.domain.checks.check import CheckResult
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.grading import not_judged
from ml_core.domain.checks.model_checks import check_artifact
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.errors import DatabaseUnavailableError, MLHealthError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.model_registry import ModelRegistry
from ml_core.services.health.artifact_survey import ArtifactSurvey
from ml_core.services.training.roll_back import quarantine, roll_back


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The model of one series and how its artifact fares."""

    model: ModelVersion | None
    """None: no model serves."""
    artifact: CheckResult
    quarantined: bool = False
    rolled_back: bool = False
    failure: str | None = None
    """Why nothing could be said or done."""


@dataclass(frozen=True, kw_only=True)
class ServingModels:
    """Finds the serving model of every series of a shard and mends what can be mended."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    survey: ArtifactSurvey
    now: datetime
    dry_run: bool = False

    def find(self, records: Sequence[SeriesRecord]) -> dict[int, Serving]:
        """The standing of each series that should have a model, by its id."""
        ids = [record.series_id for record in records]
        active = {
            model.series_id: model
            for model in self.registry.list_versions(series_ids=ids, statuses=[ModelStatus.ACTIVE])
        }
        found: dict[int, Serving] = {}
        orphaned: dict[int, str] = {}
        for record in records:
            model = active.get(record.series_id)
            if model is not None:
                serving = self._stand(model)
                if serving.quarantined:
                    orphaned[record.series_id] = serving.artifact.reason
                found[record.series_id] = serving
            elif record.state is SeriesState.MODELLED:
                orphaned[record.series_id] = "the series has no active version"
        return found | self._mend(orphaned, quarantined={id_ for id_ in orphaned if id_ in found})

    def _stand(self, model: ModelVersion) -> Serving:
        """The model as it serves; one whose artifact is lost is quarantined, unless the whole store is suspected."""
        silence = self.survey.unreachable.get(model.model_id)
        if silence is not None:
            return Serving(model=model, artifact=not_judged(CheckName.ARTIFACT, silence), failure=silence)
        problem = self.survey.lost.get(model.model_id)
        if problem is None:
            return Serving(model=model, artifact=check_artifact(None))
        if self.survey.is_mass_loss:
            problem = f"{problem} ({len(self.survey.lost)} artifacts are lost at once: look at the store first)"
            return Serving(model=model, artifact=check_artifact(problem))
        problem = f"version {model.version}: {problem}"
        try:
            if not self.dry_run:
                quarantine(model, problem, registry=self.registry, now=self.now)
        except DatabaseUnavailableError:
            raise
        except MLHealthError as exc:
            return Serving(model=model, artifact=check_artifact(problem), failure=str(exc))
        return Serving(model=None, artifact=check_artifact(problem), quarantined=True)

    def _mend(self, orphaned: dict[int, str], *, quarantined: set[int]) -> dict[int, Serving]:
        """Series without a serving model get back the version that served last and is whole."""
        if not orphaned:
            return {}
        retired: dict[int, list[ModelVersion]] = defaultdict(list)
        if not self.dry_run:
            for version in self.registry.list_versions(series_ids=list(orphaned), statuses=[ModelStatus.RETIRED]):
                retired[version.series_id].append(version)
        return {
            series_id: self._roll_back(retired[series_id], problem, quarantined=series_id in quarantined)
            for series_id, problem in orphaned.items()
        }

    def _roll_back(self, retired: Sequence[ModelVersion], problem: str, *, quarantined: bool) -> Serving:
        try:
            model, artifact = roll_back(
                retired, problem, registry=self.registry, artifacts=self.artifacts, now=self.now
            )
        except DatabaseUnavailableError:
            raise
        except MLHealthError as exc:
            return Serving(model=None, artifact=check_artifact(problem), quarantined=quarantined, failure=str(exc))
        return Serving(model=model, artifact=artifact, quarantined=quarantined, rolled_back=model is not None)
