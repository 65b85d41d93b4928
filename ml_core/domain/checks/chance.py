"""How much of a count is more than chance: small numbers must not cry wolf."""

from __future__ import annotations


def poisson_lower_bound(count: float, level: float) -> float:
    """The smallest mean for which `count` events or more still have probability `level`; 0 of no events.

    A count of effective events need not be whole: the gamma function carries the bound on between whole ones.

    The exact lower confidence limit of a Poisson mean (Garwood, Biometrika 28, 1936).
    """
    if count == 0:
        return 0.0
    from scipy.special import gammaincinv

    return float(gammaincinv(count, level))


def is_beyond_chance(count: float, expected: float, level: float) -> bool:
    """Whether `count` events are improbable (under `level`) where `expected` are usual."""
    return count > 0 and poisson_lower_bound(count, level) > expected
