"""A series sampled too fast for alarms, as means over longer steps."""

from __future__ import annotations

import numpy as np

from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.series import Readings


def aggregate(series: LabelledSeries, step_s: float) -> LabelledSeries:
    """Means over steps of `step_s` seconds, stamped at the step's end; a step of training has no scored reading.

    An event covers each step that it touches.
    """
    stamps = series.readings.timestamps.astype(np.int64)
    steps = stamps // round(step_s * 1e6)
    names, place = np.unique(steps, return_inverse=True)
    means = np.bincount(place, weights=series.readings.values) / np.bincount(place)
    ends = ((names + 1) * round(step_s * 1e6)).astype("datetime64[us]")
    return LabelledSeries.split(
        name=series.name,
        device=series.device,
        readings=Readings(timestamps=ends, values=means),
        n_training=int(place[series.n_training]),
        events=[
            (int(place[window.first + series.n_training]), int(place[window.last + series.n_training]))
            for window in series.windows
        ],
    )
