"""Every check of every run, with the evidence behind its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ml_core.domain.checks.check import SeriesCheck
from ml_core.domain.checks.check_names import CheckName


class CheckLog(Protocol):
    """Table ml_health.check_result."""

    def save(self, run_id: int, checks: Sequence[SeriesCheck], *, at: datetime) -> None:
        """Write the checks of some series of a run; a repeated (series, check) replaces the first."""
        ...

    def latest_of_each(
        self,
        series_ids: Sequence[int],
        *,
        checks: Sequence[str] = tuple(CheckName),
        before_run_id: int | None = None,
        until: datetime | None = None,
    ) -> Mapping[int, Sequence[SeriesCheck]]:
        """The newest result of each of those checks by series up to `until`, with the model that it judged."""
        ...

    def list_values(
        self, asked: Sequence[tuple[int, str]], *, until: datetime, limit: int
    ) -> Mapping[tuple[int, str], Sequence[float]]:
        """The last values of each (series id, check) up to then, at most `limit`, the oldest first."""
        ...
