"""Pins: a person keeps a model version from being replaced and purged, or no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.errors import ConfigurationError
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.named_series import list_named


@dataclass(frozen=True, kw_only=True)
class Pinning:
    """Finds the versions that a person means, and pins or unpins them."""

    series: SeriesRegistry
    models: ModelRegistry
    now: datetime

    def find(self, subject: str, *, pinned: bool) -> list[ModelVersion]:
        """The version of that id; of a series the serving one to be pinned, or its pinned ones to be unpinned.

        Raises ConfigurationError where nothing is meant.
        """
        model_id = _as_model_id(subject)
        if model_id is not None:
            found = self.models.list_versions(model_ids=[model_id])
            if not found:
                raise ConfigurationError(f"no model {subject} is in the registry; give its id, or DEVICE:METRIC")
            return found
        ids = [record.series_id for record in list_named(self.series, subject)]
        versions = self.models.list_versions(series_ids=ids)
        meant = [v for v in versions if (v.status is ModelStatus.ACTIVE if pinned else v.pinned)]
        if not meant:
            missing = "model that serves" if pinned else "pinned model"
            raise ConfigurationError(f"{subject} has no {missing}, so nothing was changed")
        return meant

    def set_pin(self, versions: Sequence[ModelVersion], *, pinned: bool, by: str, reason: str) -> None:
        """Pin or unpin each, with an event that says who and why; what stands so already has none."""
        words = f"by {by}" + (f": {reason}" if reason else "")
        for version in versions:
            self.models.pin(version.model_id, pinned=pinned, at=self.now, reason=words)


def _as_model_id(subject: str) -> UUID | None:
    try:
        return UUID(subject)
    except ValueError:
        return None
