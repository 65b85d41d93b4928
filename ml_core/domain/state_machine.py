"""A table of allowed steps between states: it refuses every other step, and draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from ml_core.errors import TransitionError

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class Step(Generic[State]):
    """One allowed step, and what brings it about."""

    source: State | None
    """None: from any state, also from the target itself."""
    target: State
    when: str


@dataclass(frozen=True, kw_only=True)
class StateMachine(Generic[State]):
    """The life of one kind of thing: where it begins and which steps it may take."""

    subject: str
    """What is in these states, such as 'a model version'."""
    initial: State
    steps: Sequence[Step[State]]

    def targets(self, source: State) -> frozenset[State]:
        """Where a step may lead from `source`."""
        return frozenset(step.target for step in self.steps if step.source in (None, source))

    def check(self, source: State, target: State) -> None:
        """Raise TransitionError where a step is not in the table; the message says which would be."""
        targets = self.targets(source)
        if target in targets:
            return
        possible = ", ".join(sorted(targets)) or "nowhere, it is final"
        raise TransitionError(
            f"{self.subject} cannot go from {source} to {target}; from {source} it can go: {possible}"
        )

    def to_mermaid(self) -> str:
        """The state diagram in Mermaid's language, one line a step in the table's order."""
        steps = [f"    {step.source or 'any'} --> {step.target}: {step.when}" for step in self.steps]
        targets = dict.fromkeys(step.target for step in self.steps)
        final = [f"    {state} --> [*]" for state in targets if not self.targets(state)]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.initial}", *steps, *final])
