"""Lengths of time in words that people use."""

from __future__ import annotations

_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def in_words(seconds: float) -> str:
    """A length of time in its largest sensible unit: `90 s`, `36 h`, `9.5 d`."""
    for size, unit in _UNITS:
        # Twice the unit at least: "36 h" says more than "1.5 d".
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
