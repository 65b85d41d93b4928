"""What a task is told and what it answers, whichever way it was started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a run ended, or that it goes on."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> int:
        """0 succeeded or skipped, 1 partial, 2 failed or interrupted."""
        if self in (Outcome.SUCCEEDED, Outcome.SKIPPED):
            return 0
        return 1 if self is Outcome.PARTIAL else 2

    @property
    def reopens(self) -> bool:
        """Whether the slot may be run again while retries last."""
        return self in (Outcome.RUNNING, Outcome.PARTIAL, Outcome.FAILED, Outcome.INTERRUPTED)


class ItemOutcome(StrEnum):
    """What a run did to one series, or that it is at it."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class RunItem:
    """One series of a run: what happened and why."""

    series_id: int
    outcome: ItemOutcome
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """What a task's service answers: figures and findings in words a person understands."""

    counts: Mapping[str, int | float] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    failures: int = 0
    """Series that failed; each is named with its reason in the run's items."""
    skipped_reason: str | None = None
    """Set where nothing was to be done at all, and why."""

    @property
    def outcome(self) -> Outcome:
        """Partial where some series failed, skipped where there was nothing to do."""
        if self.skipped_reason is not None:
            return Outcome.SKIPPED
        return Outcome.PARTIAL if self.failures else Outcome.SUCCEEDED


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """One run, told at its end."""

    task: str
    slot: datetime
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    counts: Mapping[str, int | float] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    reason: str | None = None
    dry_run: bool = False
    attempt: int = 1

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `ml-health run --json` prints."""
        return {
            "task": self.task,
            "slot": self.slot.isoformat(),
            "outcome": self.outcome.value,
            "reason": self.reason,
            "attempt": self.attempt,
            "dry_run": self.dry_run,
            "counts": dict(self.counts),
            "findings": [dict(finding) for finding in self.findings],
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }
