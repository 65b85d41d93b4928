"""The registry of model versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ml_core.domain.model_version import ModelEvent, ModelStatus, ModelVersion, NewModel


class ModelRegistry(Protocol):
    """Table ml_models and its events; each method is one transaction, so nobody sees half a change."""

    def list_versions(
        self,
        *,
        series_ids: Sequence[int] | None = None,
        statuses: Sequence[ModelStatus] | None = None,
        model_ids: Sequence[UUID] | None = None,
    ) -> list[ModelVersion]:
        """Versions of those series, in those states, with those ids (None: all), by series and number."""
        ...

    def add(self, model: NewModel) -> ModelVersion:
        """Number a candidate within its series and write it with a `trained` event."""
        ...

    def promote(
        self,
        model_id: UUID,
        *,
        champion_id: UUID | None,
        at: datetime,
        reason: str,
        event: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Make it the active version in place of `champion_id`, which retires; ConflictError if that changed.

        A pinned champion gives way to a roll back only.

        The event is `promoted`, of a retired version `rolled_back`, unless another is named.
        """
        ...

    def set_status(
        self,
        model_id: UUID,
        status: ModelStatus,
        *,
        at: datetime,
        reason: str,
        event: str,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Reject, shadow, quarantine or mark purged, with its event; a transition that is not allowed raises."""
        ...

    def pin(self, model_id: UUID, *, pinned: bool, at: datetime, reason: str | None = None) -> None:
        """Keep a version from purging and replacing, or no longer; an event says so where that is a change."""
        ...

    def record(self, events: Sequence[ModelEvent]) -> None:
        """Write events that change no version, such as a failed training."""
        ...
