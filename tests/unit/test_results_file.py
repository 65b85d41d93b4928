"""Results of benchmarks on a fresh checkout."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.results_file import write_results


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    """A checkout holds no results yet: an hour of measuring is not lost for want of a folder."""
    path = tmp_path / "results" / "new" / "speed.json"

    write_results(path, {"ratio": 2.0})

    assert json.loads(path.read_text(encoding="utf-8")) == {"ratio": 2.0}
