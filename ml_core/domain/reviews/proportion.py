"""An interval for a share that was seen in a few cases."""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959963984540054
"""The normal distribution's 97.5 % point: two-sided intervals at 95 %."""


def wilson_interval(share: float, n: float, *, z: float = Z_95) -> tuple[float, float]:
    """Lower and upper bound of the true share, where `share` in [0, 1] was seen in n > 0 independent cases.

    Wilson's score interval (Wilson 1927, J. Am. Stat. Assoc. 22): it keeps its promise also for small n and for
    shares near 0 and 1. `n` may be an effective size, so it need not be whole.
    """
    if not 0 <= share <= 1 or n <= 0:
        raise ValueError(f"a share in [0, 1] of more than 0 cases is needed, got {share} of {n}")
    squared = z * z
    centre = (share + squared / (2 * n)) / (1 + squared / n)
    margin = z * sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    return max(0.0, centre - margin), min(1.0, centre + margin)
