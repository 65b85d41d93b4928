"""Writes the dashboards that the package ships: `python -m ml_core.grafana.build [--check]`."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# The library advises the v2 form at import, which file provisioning refuses.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders.dashboard import Dashboard
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    from ml_core.grafana import detection_quality, device, fleet_overview, model_health, runs

FOLDER = Path(__file__).parent / "json"
DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "fleet_overview": fleet_overview.build,
    "model_health": model_health.build,
    "device": device.build,
    "runs": runs.build,
    "detection_quality": detection_quality.build,
}


def render_dashboards() -> dict[str, str]:
    """The JSON text of every dashboard by its file's name; the same at every call."""
    return {f"{name}.json": _render(build()) for name, build in DASHBOARDS.items()}


def outdated(folder: Path) -> list[str]:
    """Names of files in the folder that are missing, differ from what would be written, or are no longer made."""
    rendered = render_dashboards()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in rendered.keys() | found.keys() if rendered.get(name) != found.get(name))


def main(arguments: Sequence[str]) -> int:
    """Write the files; with --check only say which of them are out of date, and answer 1 if any is."""
    stale = outdated(FOLDER)
    if "--check" not in arguments:
        _write(FOLDER)
    for name in stale:
        print(f"{'out of date' if '--check' in arguments else 'written'}: {name}")
    return 1 if stale and "--check" in arguments else 0


def _render(board: Dashboard) -> str:
    document = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    _leave_out_strangers(document)
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _leave_out_strangers(document: dict[str, Any]) -> None:
    """Fields that the library writes and that today's Grafana has no place for."""
    for variable in document["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):
            variable.pop(name, None)
    for panel in document["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)


def _write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    rendered = render_dashboards()
    for path in folder.glob("*.json"):
        if path.name not in rendered:
            path.unlink()
    for name, text in rendered.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
