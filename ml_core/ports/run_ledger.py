"""The runs: one row a (task, slot), and what each did to every series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ml_core.domain.task import Outcome, RunItem


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One row of ml_health.run."""

    run_id: int
    task: str
    slot: datetime
    attempt: int
    outcome: Outcome
    started_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None
    counts: Mapping[str, int | float] | None = None


class RunItems(Protocol):
    """What a run does to each series, in table ml_health.run_item."""

    def record_items(self, run: RunRecord, items: Sequence[RunItem], *, at: datetime) -> None:
        """Write what was done to some series; a writer whose attempt was taken over gets ConflictError."""
        ...

    def begin_series(self, run: RunRecord, series_ids: Sequence[int], *, at: datetime) -> frozenset[int]:
        """Write down that some series are begun; those among them at which an earlier attempt died."""
        ...

    def finished_series(self, run: RunRecord) -> frozenset[int]:
        """Series that this slot has dealt with already (not those that failed)."""
        ...


class RunLedger(RunItems, Protocol):
    """Table ml_health.run and its items."""

    def begin(
        self, task: str, slot: datetime, *, at: datetime, max_attempts: int, params: Mapping[str, Any]
    ) -> RunRecord | None:
        """Open the slot, or reopen it where it did not succeed and attempts remain; None where it is done."""
        ...

    def finish(
        self,
        run: RunRecord,
        outcome: Outcome,
        *,
        at: datetime,
        reason: str | None,
        counts: Mapping[str, int | float],
        duration_ms: float,
    ) -> None:
        """Close the run; fenced by its attempt."""
        ...

    def find(self, task: str, slot: datetime) -> RunRecord | None:
        """The run of one slot, if there is one."""
        ...

    def latest(self, task: str, *, until: datetime, outcomes: Sequence[Outcome] | None = None) -> RunRecord | None:
        """The run of that task and those outcomes with the newest slot up to `until`: no clock is always right."""
        ...


class TaskLock(Protocol):
    """One holder a task, whatever machine it runs on."""

    def acquire(self) -> bool:
        """Take the lock without waiting; False where somebody else holds it."""
        ...

    def release(self) -> None:
        """Give it back; harmless where it is not held."""
        ...
