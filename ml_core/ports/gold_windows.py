"""Clean readings of each series, kept across model versions: the ground of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ml_core.domain.series import Readings


class GoldWindows(Protocol):
    """Table ml_health.gold_window."""

    def load(self, series_ids: Sequence[int]) -> Mapping[int, Readings]:
        """The gold windows of those series that have one."""
        ...

    def rebase(self, series_id: int, model_id: UUID, readings: Readings, *, at: datetime) -> None:
        """Replace the gold window of a series; only promotion or a person does so."""
        ...
