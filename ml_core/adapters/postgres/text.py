"""Texts that PostgreSQL takes: an exception's words or a detector's reasons may hold what it refuses."""

from __future__ import annotations

from typing import Any


def clean_text(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot hold, and with `?` for halves of characters."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_parameters(values: Any) -> Any:
    """A statement's parameters with every text in them cleaned, however deep it lies."""
    if isinstance(values, str):
        # Words of an enumeration are the driver's to adapt.
        return clean_text(values) if type(values) is str else values
    if isinstance(values, dict):
        return {name: clean_parameters(value) for name, value in values.items()}
    if isinstance(values, list):
        return [clean_parameters(value) for value in values]
    if type(values) is tuple:
        return tuple([clean_parameters(value) for value in values])
    return values
