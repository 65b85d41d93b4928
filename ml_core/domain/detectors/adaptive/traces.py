"""What the detector noted of each reading, one array a figure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.detectors.adaptive.layout import N_FEATURES, SPANS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Figures of n readings; values of features are in units of the series' scale around its center.

    scores: mean evidence, shape (n,). onsets: whether the score is the highest of the latest hundred, (n,).
    held: the score, fading by half in 24 readings, (n,). bands: lower and upper end of the expected band before the
    reading, in the metric's unit, (n, 2). signed, expected, evidence: value of each feature, what it was measured
    from, and -log10 of its tail probability, (n, N_FEATURES), NaN and 0 where it was silent. spreads: of the
    readings before, for each span, (n, len(SPANS)).
    """

    scores: NDArray[np.float64]
    onsets: NDArray[np.bool_]
    held: NDArray[np.float64]
    bands: NDArray[np.float64]
    signed: NDArray[np.float64]
    expected: NDArray[np.float64]
    spreads: NDArray[np.float64]
    evidence: NDArray[np.float64]

    @classmethod
    def of_length(cls, n: int) -> Traces:
        """Room for n readings; silent until they are scored."""
        return cls(
            scores=np.zeros(n),
            onsets=np.zeros(n, dtype=np.bool_),
            held=np.zeros(n),
            bands=np.full((n, 2), np.nan),
            signed=np.full((n, N_FEATURES), np.nan),
            expected=np.full((n, N_FEATURES), np.nan),
            spreads=np.full((n, len(SPANS)), np.nan),
            evidence=np.zeros((n, N_FEATURES)),
        )

    def part(self, where: slice) -> Traces:
        """Those of some of the readings, as views."""
        return Traces(**{field.name: getattr(self, field.name)[where] for field in fields(self)})
