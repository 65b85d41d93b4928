"""Changes of several tables that are kept together or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class UnitOfWork(Protocol):
    """The store behind the other ports."""

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread does through the ports in the body."""
        ...
