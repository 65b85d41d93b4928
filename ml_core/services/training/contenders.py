"""A stored model version as one that can be asked."""

from __future__ import annotations

from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.gate.contender import Contender
from ml_core.domain.model_version import ModelVersion
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.services.health.artifact_survey import load_artifact


def load_contender(version: ModelVersion, artifacts: ArtifactStore) -> Contender:
    """The version with its detector, proven to answer; raises ArtifactError otherwise."""
    artifact = load_artifact(version, artifacts)
    return Contender(detector=detector_of_kind(artifact.kind), artifact=artifact)
