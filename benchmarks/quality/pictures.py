"""Pictures of docs/detection.md from real series of a package: `python -m benchmarks.quality.pictures`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from ml_core.domain.detectors.adaptive.fleet import advance_fleet
from ml_core.domain.detectors.adaptive.layout import FEATURES, STATE
from ml_core.domain.detectors.adaptive.traces import Traces
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions, ModelArtifact
from ml_core.domain.detectors.frozen_reference import FrozenReference
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.series import Readings
from ml_core.entrypoints.demo.sources import load_water_flow

IMAGES = Path(__file__).parents[2] / "docs" / "images"
N_TRAINING = 400
BLUE, GREEN, RED, GREY = "#3274d9", "#56a64b", "#e02f44", "#8e8e8e"


def read_flow() -> Readings:
    """Hourly flow of a real pipeline branch in litres per second, of the package river (BSD-3)."""
    return load_water_flow(datetime(2025, 1, 31, tzinfo=UTC))


def part(readings: Readings, begin: int, end: int | None = None) -> Readings:
    """The readings begin .. end - 1."""
    return Readings(timestamps=readings.timestamps[begin:end], values=readings.values[begin:end])


def look_inside(artifact: ModelArtifact, later: Readings) -> Traces:
    """What each feature said of each reading."""
    state = np.frombuffer(artifact.arrays["first_state"].tobytes(), dtype=STATE).copy()
    return advance_fleet(state, [len(later)], later.timestamps, later.values)


def draw_adaptive(artifact: ModelArtifact, later: Readings) -> Figure:
    """Readings with band and alarms; below, how the evidence of the features adds up to the score."""
    scored, _ = AdaptiveDetector().update(artifact, EMPTY_STATE, later)
    traces = look_inside(artifact, later)
    figure = Figure(figsize=(11, 6), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    _draw_readings(top, scored, "flow, with the band that follows it")
    groups = {
        "level": ("level",),
        "innovation": ("innovation",),
        "season": ("season",),
        "last 6": ("_6",),
        "last 48": ("_48",),
        "last 150": ("_150",),
    }
    columns = {
        label: [j for j, name in enumerate(FEATURES) if name.startswith(marks) or name.endswith(marks)]
        for label, marks in groups.items()
    }
    shares = [traces.evidence[:, chosen].sum(axis=1) / len(FEATURES) for chosen in columns.values()]
    bottom.stackplot(later.timestamps, shares, labels=list(columns), alpha=0.8)
    bottom.axhline(float(artifact.metadata["alarm_threshold"]), color=RED, linewidth=1, label="threshold")
    bottom.set_ylabel("mean evidence")
    _finish(bottom)
    return figure


def draw_frozen(artifact: ModelArtifact, later: Readings) -> Figure:
    """The same readings against where the machine was when the model was made."""
    scored = FrozenReference.from_artifact(artifact).score(later.timestamps, later.values)
    figure = Figure(figsize=(11, 6), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    _draw_readings(top, scored, "flow, with the band of the frozen reference")
    rarity = -np.log10(np.maximum(1.0 - scored.confidences, 1e-8))
    bottom.plot(later.timestamps, rarity, color=GREY, linewidth=0.8, label="-log10 of the tail probability")
    level = -np.log10(float(artifact.metadata["target_alarm_rate"]))
    bottom.axhline(level, color=RED, linewidth=1, label="target alarm rate")
    bottom.set_ylabel("rarity")
    _finish(bottom)
    return figure


def _draw_readings(axes: Axes, scored: ScoredReadings, title: str) -> None:
    axes.plot(scored.timestamps, scored.values, color=BLUE, linewidth=0.8, label="reading")
    axes.fill_between(
        scored.timestamps, scored.band_low, scored.band_high, color=GREEN, alpha=0.2, linewidth=0, label="expected band"
    )
    flagged = scored.is_anomaly
    axes.scatter(
        scored.timestamps[flagged], scored.values[flagged], color=RED, s=22, zorder=3, label=f"alarm ({flagged.sum()})"
    )
    axes.set_title(title)
    axes.set_ylabel("litres per second")
    low, high = np.quantile(scored.values, [0, 1])
    axes.set_ylim(low - 0.3 * (high - low), high + 0.3 * (high - low))
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left", ncols=4, fontsize=8)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


def main() -> None:
    """Write every picture."""
    flow = read_flow()
    artifact = AdaptiveDetector().fit(part(flow, 0, N_TRAINING), FitOptions(timezone="Europe/Berlin"))
    later = part(flow, N_TRAINING)
    for name, figure in {
        "detection_adaptive": draw_adaptive(artifact, later),
        "detection_frozen": draw_frozen(artifact, later),
    }.items():
        figure.savefig(IMAGES / f"{name}.png", dpi=100)


if __name__ == "__main__":
    main()
