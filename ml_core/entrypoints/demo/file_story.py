"""A user's own readings as the demo's series."""

from __future__ import annotations

from pathlib import Path

from ml_core.entrypoints.demo.story import DemoSeries


def read_file_story(path: Path, tz: str | None) -> list[DemoSeries]:
    """placeholder until reading_files is there"""
    raise NotImplementedError
