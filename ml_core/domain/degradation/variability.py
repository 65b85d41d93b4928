"""Does a series move from reading to reading as much as it did? A test that levels and seasons leave alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.degradation.block_history import block_means
from ml_core.domain.degradation.drift import autocorrelation_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAP_QUANTILE = 0.98
"""Steps beyond twice this quantile count as that: a few spikes are no change of variance."""
LEAST_STEP = 1e-3
"""In standard deviations of the reference: smaller steps are rounding."""


@dataclass(frozen=True, kw_only=True)
class VariabilityChange:
    """How much larger or smaller the steps have become."""

    p_value: float
    log_ratio: float
    """ln of the mean step now over that of the reference; 0.35 where the variance doubled."""
    usual: float
    """The largest |ln ratio| between a part of the reference, as long as the live sample, and all of it."""


NO_CHANGE = VariabilityChange(p_value=1.0, log_ratio=0.0, usual=0.0)


def compare_variability(
    reference: NDArray[np.float64], live: NDArray[np.float64], *, length: int, tau_ratio: float = 1.0
) -> VariabilityChange:
    """Student's t test on the mean absolute step |x_t - x_(t-1)|, on effective sample sizes.

    Steps are capped. The sizes are n / tau, tau the autocorrelation time of the reference's own steps
    (calm and busy hours come in rows); `tau_ratio` carries it over to a live sample that reads at another
    interval. `length` is the length of the parts that tell what is usual.
    """
    spread = float(reference.std()) if reference.size else 0.0
    if reference.size < 3 or live.size < 3 or not 0 < spread < np.inf:
        return NO_CHANGE
    known, seen = np.abs(np.diff(reference)), np.abs(np.diff(live))
    cap = 2.0 * max(float(np.quantile(known, CAP_QUANTILE)), LEAST_STEP * spread)
    known, seen = np.minimum(known, cap) / cap, np.minimum(seen, cap) / cap
    least = LEAST_STEP * spread / cap
    mean = float(known.mean())
    parts = block_means(known, min(length, known.size))
    return VariabilityChange(
        p_value=_t_p_value(known, seen, autocorrelation_time(known), tau_ratio),
        log_ratio=float(np.log((seen.mean() + least) / (mean + least))),
        usual=float(np.abs(np.log((parts + least) / (mean + least))).max()),
    )


def _t_p_value(known: NDArray[np.float64], seen: NDArray[np.float64], tau: float, tau_ratio: float) -> float:
    """Of the two variances the larger one counts: a calm day has small steps and small variance at once."""
    from scipy.stats import t

    n_known, n_seen = known.size / tau, seen.size / max(1.0, tau * tau_ratio)
    error = float(max(known.var(), seen.var())) * (1.0 / n_known + 1.0 / n_seen)
    if not error > 0:
        return 1.0
    return float(2.0 * t.sf(abs(float(seen.mean() - known.mean())) / np.sqrt(error), max(n_known + n_seen - 2.0, 1.0)))
