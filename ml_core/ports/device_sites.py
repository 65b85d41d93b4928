"""Which site each device belongs to."""

from __future__ import annotations

from typing import Protocol


class DeviceSites(Protocol):
    """Sites of the series, as dashboards offer them."""

    def assign(self, *, dry_run: bool) -> int:
        """Give every series its device's site; how many changed, or in a dry run would."""
        ...
