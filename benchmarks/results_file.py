"""Where measurements are written: one JSON file a benchmark, in a folder that is made when first needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def write_results(path: Path, document: Any) -> None:
    """Write one measurement's document, with the folders on its way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
