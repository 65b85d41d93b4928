"""A picture of one series: its readings, the expected band of its model, and what was anomalous."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_core.domain.series import Readings


@dataclass(frozen=True, kw_only=True)
class Band:
    """The expected band of one model version and when it was in force (UTC)."""

    start: np.datetime64
    end: np.datetime64
    low: float
    high: float
    version: int


def draw_series(
    path: Path,
    *,
    title: str,
    unit: str,
    readings: Readings,
    bands: list[Band],
    anomalies: NDArray[np.datetime64],
) -> None:
    """Write a PNG of a series with its bands and anomalies."""
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.subplots()
    stamps, values = _break_at_gaps(readings)
    axes.plot(stamps, values, color="#3274d9", linewidth=0.9, label="reading")
    for position, band in enumerate(bands):
        axes.fill_between(
            np.array([band.start, band.end]),
            band.low,
            band.high,
            color="#56a64b",
            alpha=0.18,
            linewidth=0,
            label="expected band" if position == 0 else None,
        )
        axes.annotate(f"v{band.version}", (band.start, band.high), fontsize=8, color="#37872d")
    flagged = np.isin(readings.timestamps, anomalies)
    axes.scatter(
        readings.timestamps[flagged],
        readings.values[flagged],
        color="#e02f44",
        s=14,
        zorder=3,
        label=f"anomaly ({int(flagged.sum())})",
    )
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_xlabel("time (UTC)")
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.grid(alpha=0.25)
    axes.legend(loc="lower left", ncols=3, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _break_at_gaps(readings: Readings) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """The readings with a hole wherever five usual intervals passed without one: no line is drawn over a gap."""
    steps = np.diff(readings.timestamps)
    holes = np.flatnonzero(steps > 5 * np.median(steps)) + 1 if steps.size else np.zeros(0, dtype=np.int64)
    stamps = np.insert(readings.timestamps, holes, readings.timestamps[holes])
    return stamps, np.insert(readings.values, holes, np.nan)
