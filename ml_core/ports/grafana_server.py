"""A Grafana that is reached over its HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

WITHHELD = "[REDACTED]"
"""What stands in place of a secret that Grafana keeps and does not give back."""

Kind = Literal["folder", "datasource", "dashboard", "rules", "contact", "policies"]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing that Grafana keeps, as it ought to be."""

    kind: Kind
    name: str
    """By which Grafana knows it: its uid, or the group's name."""
    body: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What Grafana takes and may not give back; shown nowhere."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class GrafanaServer(Protocol):
    """Finds and saves resources."""

    def find(self, resource: Resource) -> Mapping[str, Any] | None:
        """The resource as Grafana has it, in the form of its body; None where there is none."""
        ...

    def save(self, resource: Resource, *, exists: bool) -> None:
        """Make it as it ought to be. Raises GrafanaError."""
        ...
