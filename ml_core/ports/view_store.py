"""The views that dashboards read."""

from __future__ import annotations

from typing import Protocol


class ViewStore(Protocol):
    """Schema grafana of the database."""

    def list_outdated(self) -> list[str]:
        """Names of views that are missing or defined otherwise than this package defines them."""
        ...

    def find_telemetry_problem(self) -> str | None:
        """Why the mapped relation of readings cannot be shown, naming the setting; None where it can."""
        ...

    def may_refresh(self) -> bool:
        """Whether the current login owns the views."""
        ...

    def refresh(self) -> None:
        """Make all views anew, with the rights of their readers; SchemaVersionError where migrations are pending."""
        ...
