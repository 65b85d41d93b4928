"""The ordered steps behind a decision, told from what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ml_core.domain.explaining.evidence import PastCheck, PastEvent, PastFinding
from ml_core.domain.gate.gate_check import GateCheck


@dataclass(frozen=True, kw_only=True)
class ExplanationStep:
    """One step: what was looked at, how it came out, and the words and figures behind it."""

    what: str
    why: str
    outcome: str | None = None
    at: datetime | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Those that are stored; empty ones are left out."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A decision with its steps in order."""

    subject: str
    answer: str
    steps: tuple[ExplanationStep, ...]

    def to_json(self) -> dict[str, Any]:
        """The form in which the command prints it."""
        return {
            "subject": self.subject,
            "answer": self.answer,
            "steps": [
                {
                    "step": number,
                    "at": None if step.at is None else step.at.isoformat(),
                    "what": step.what,
                    "outcome": step.outcome,
                    "why": step.why,
                    "figures": dict(step.figures),
                }
                for number, step in enumerate(self.steps, 1)
            ],
        }


def tell_event(event: PastEvent) -> Iterator[ExplanationStep]:
    """What was done to a model, after what the gate asked of it."""
    whose = "" if event.series is None else f" ({event.series})"
    for check in event.gate:
        yield _gate(check, whose, event.happened_at)
    done = event.event.replace("_", " ")
    yield ExplanationStep(what=done + whose, outcome=event.cause, why=event.reason or "", at=event.happened_at)


def _gate(check: GateCheck, whose: str, at: datetime) -> ExplanationStep:
    return ExplanationStep(
        what=f"gate: {check.name}{whose}",
        outcome="passed" if check.passed else "refused",
        why=check.reason,
        at=at,
        figures=figures_of(value=check.value, threshold=check.threshold),
    )


def tell_check(check: PastCheck) -> ExplanationStep:
    """The newest answer of a check."""
    return ExplanationStep(
        what=f"check: {check.check} of {check.series}",
        outcome=check.verdict,
        why=check.reason,
        at=check.checked_at,
        figures=figures_of(value=check.value, threshold=check.threshold),
    )


def tell_finding(finding: PastFinding) -> ExplanationStep:
    """Something found wrong, and its end."""
    mended = finding.resolved_at
    end = "" if mended is None else f"; mended {mended:%Y-%m-%d %H:%M}Z ({finding.resolved_reason or 'fine again'})"
    where = "" if finding.series is None else f" of {finding.series}"
    return ExplanationStep(
        what=f"finding: {finding.check}{where}",
        outcome=finding.severity,
        why=finding.message + end,
        at=finding.opened_at,
        figures=figures_of(value=finding.value, threshold=finding.threshold),
    )


def in_order(*steps: ExplanationStep) -> list[ExplanationStep]:
    """By their moments; those of one moment stay as they are."""
    return sorted(steps, key=lambda step: step.at.timestamp() if step.at else 0.0)


def figures_of(**figures: Any) -> dict[str, Any]:
    """The figures that are stored; empty ones are left out."""
    return {name: figure for name, figure in figures.items() if figure is not None}
