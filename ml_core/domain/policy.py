"""How a rule's numbers become settings: a policy is a frozen dataclass whose fields carry their own help."""

from __future__ import annotations

from dataclasses import field
from typing import TypeVar, cast

T = TypeVar("T")


def setting(default: T, help_text: str) -> T:
    """A policy field with its default and the sentence that explains it in the example configuration."""
    return cast("T", field(default=default, metadata={"help": help_text}))
