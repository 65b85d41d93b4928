"""A picture of what the degradation checks find: `python -m benchmarks.quality.degradation_plot`, after measuring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.quality.degradation import GOALS, LEAST, MOST
from benchmarks.quality.degradation import OUTPUT as MEASURED

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "degradation.png"
TESTS = {
    "plain_ks": ("Kolmogorov-Smirnov, p < .05", "#c9c9c9"),
    "plain_psi": ("PSI > .25", "#8f8f8f"),
    "degraded": ("this platform", "#1f6feb"),
}


def draw(document: dict[str, Any], path: Path) -> None:
    """Share of windows called degraded by each test, healthy ones first, with our interval and the goal."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in document["rows"] if row["fault"] in GOALS]
    figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
    places, width = np.arange(len(rows)), 0.27
    for number, (name, (label, colour)) in enumerate(TESTS.items()):
        heights = [100 * row[name] for row in rows]
        axes.bar(places + (number - 1) * width, heights, width, label=label, color=colour)
    ours = np.array([[100 * row["degraded"], *(100 * bound for bound in row["interval"])] for row in rows])
    axes.errorbar(
        places + width, ours[:, 0], yerr=[ours[:, 0] - ours[:, 1], ours[:, 2] - ours[:, 0]], fmt="none", color="black"
    )
    for place, row in zip(places, rows, strict=True):
        side, bound = GOALS[row["fault"]]
        axes.plot([place - 0.42, place + 0.42], [100 * bound] * 2, color="#d1242f", linestyle="--", linewidth=1)
        arrow = {MOST: "at most", LEAST: "at least"}[side]
        axes.annotate(f"{arrow} {bound:.0%}", (place - 0.42, 100 * bound + 1), color="#d1242f", fontsize=8)
    axes.set_xticks(places, [row["fault"] for row in rows])
    axes.set_ylabel("% of windows called degraded")
    axes.set_ylim(0, 108)
    axes.set_title(f"{rows[0]['windows']} real windows, two checks in a row; only the first group is healthy")
    axes.legend(loc="upper center", ncols=3, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the time of drawing the same figures give the same file.
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


@click.command()
@click.option("--measured", type=click.Path(path_type=Path), default=MEASURED, help="Figures of bench-degradation.")
@click.option("--output", type=click.Path(path_type=Path), default=PICTURE, help="Where the picture goes.")
def main(measured: Path, output: Path) -> None:
    """Draw the figures that were measured last."""
    draw(json.loads(measured.read_text(encoding="utf-8")), output)


if __name__ == "__main__":
    main()
