"""Which of the stored models can still be read, hold their checksum and answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from ml_core.domain.detectors.artifact_format import decode
from ml_core.domain.detectors.detector import EMPTY_STATE, ModelArtifact
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import Readings
from ml_core.errors import ArtifactDamagedError, ArtifactError, ArtifactMissingError, MLHealthError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.services.runs import RunRecorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ArtifactSurvey:
    """What is wrong with artifacts, in words, by model."""

    lost: Mapping[UUID, str] = field(default_factory=dict)
    """Missing or damaged."""
    unreachable: Mapping[UUID, str] = field(default_factory=dict)
    """The store gave no answer, or this code cannot read such a model: it says nothing about the artifact."""
    is_mass_loss: bool = False
    """So many are lost at once that the store is suspected: no model is to be given up for it."""


def survey_artifacts(
    models: Sequence[ModelVersion], *, artifacts: ArtifactStore, policy: HealthPolicy, run: RunRecorder
) -> ArtifactSurvey:
    """Read, check and try every model's artifact; raises RunStopped between two where the run was asked to stop."""
    lost, unreachable = {}, {}
    for done, model in enumerate(models):
        run.stop_if_asked()
        try:
            load_artifact(model, artifacts)
        except (ArtifactMissingError, ArtifactDamagedError) as exc:
            lost[model.model_id] = str(exc)
        except MLHealthError as exc:
            unreachable[model.model_id] = str(exc)
        except Exception as exc:  # one model's failure never stops the fleet's run
            logger.exception("version %d of series %d cannot be tried", model.version, model.series_id)
            unreachable[model.model_id] = f"{type(exc).__name__}: {exc}"
        run.progress("artifacts read", done + 1, len(models))
    bound = max(policy.mass_loss_min, policy.mass_loss_share * len(models))
    return ArtifactSurvey(lost=lost, unreachable=unreachable, is_mass_loss=len(lost) > bound)


def load_artifact(model: ModelVersion, artifacts: ArtifactStore) -> ModelArtifact:
    """The model's artifact, proven to answer; raises ArtifactError otherwise."""
    if model.artifact_sha256 is None:
        raise ArtifactMissingError(f"version {model.version} has no artifact of this platform's own")
    content = artifacts.read(model.artifact_sha256)
    try:
        artifact = decode(content)
        _ask(artifact)
    except ArtifactError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as exc:
        # Whatever a detector stumbles over in a file whose checksum holds, the file was written wrong.
        raise ArtifactDamagedError(
            f"version {model.version} does not answer ({type(exc).__name__}: {exc}); train the series again"
        ) from exc
    return artifact


def _ask(artifact: ModelArtifact) -> None:
    """Score one value, the smallest of training."""
    value = float(artifact.metadata.get("value_min", 0.0))
    probe = Readings(timestamps=np.zeros(1, dtype="datetime64[us]"), values=np.array([value]))
    detector_of_kind(artifact.kind).update(artifact, EMPTY_STATE, probe)
