"""Figures in words that people can follow: a value that breaks its bound never reads like the bound."""

from __future__ import annotations

MAX_MORE_DIGITS = 6


def tell_apart(value: float, bound: float, *, digits: int = 2, unit: str = "f") -> tuple[str, str]:
    """Both with `digits` after the point, and with as many more as it takes to see that they differ.

    `unit` is a format of Python: "f" for plain figures, "%" for shares. Equal figures are told alike.
    """
    for more in range(MAX_MORE_DIGITS):
        told = tuple(f"{figure:.{digits + more}{unit}}" for figure in (value, bound))
        if told[0] != told[1] or value == bound:
            break
    return told[0], told[1]


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun: `1 alarm`, `2 alarms`."""
    return f"{count} {one if count == 1 else many}"
