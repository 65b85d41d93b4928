"""The measurements for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.quality.corpus import Group
from benchmarks.quality.measuring import Measurement
from ml_core.entrypoints.quality_table import list_detectors

WIDTH = 190
PACKAGES = ("pyod", "river")


def show(measurements: Sequence[Measurement], groups: Sequence[Group]) -> None:
    """A table a group; each figure above its 95 % interval over series."""
    console = Console(width=WIDTH)
    for group in groups:
        rows = [row for row in measurements if row.group == group.name]
        console.print(_table(group, rows))


def _table(group: Group, rows: Sequence[Measurement]) -> Table:
    first = rows[0].quality
    return list_detectors(
        f"{group.title}: {first.n_series} series or devices, {first.n_events} events",
        [(row.scorer, row.quality, [f"{row.ms_per_reading:.3f}"]) for row in rows],
        ["ms a reading"],
    )


def as_document(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Every figure with the machine and when it was measured; the data are named by their counts only."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(PACKAGES),
        "rows": [asdict(row) for row in measurements],
    }
