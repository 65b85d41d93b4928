"""Writes the dashboards and alert rules that the package ships: `python -m ml_core.grafana.build [--check]`."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

# The library advises the v2 form at import, which file provisioning refuses.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders.dashboard import Dashboard
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    from ml_core.grafana import alerts, detection_quality, device, fleet_overview, model_health, runs
    from ml_core.grafana.names import RECEIVER_PLACE

FOLDER = Path(__file__).parent
RULES_FILE = "provisioning/alerting/rules.yaml"
POLICIES_FILE = "provisioning/alerting/policies.yaml"
RULES_HEADER = (
    "# Written by `ml-health run ml_grafana`; edits are overwritten. Made of grafana/alerts.py and sql/alerts.\n"
)
POLICIES_HEADER = (
    "# Written by `ml-health run ml_grafana`; edits are overwritten."
    " Grafana knows one tree of policies: this is all of it.\n"
)
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


def render_files() -> dict[str, str]:
    """The text of every file that is made, by its path in this folder."""
    boards = render_dashboards()
    alerting = {RULES_FILE: _render_rules(boards.values()), POLICIES_FILE: _render_policies()}
    return {**{f"json/{name}": text for name, text in boards.items()}, **alerting}


def outdated(folder: Path) -> list[str]:
    """Paths of files in the folder that are missing, differ from what would be written, or are no longer made."""
    rendered = render_files()
    paths = [*folder.glob("json/*.json"), *folder.glob(RULES_FILE), *folder.glob(POLICIES_FILE)]
    found = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return sorted(name for name in rendered.keys() | found.keys() if rendered.get(name) != found.get(name))


def main(arguments: Sequence[str]) -> int:
    """Write the files; with --check only say which of them are out of date, and answer 1 if any is."""
    stale = outdated(FOLDER)
    if "--check" not in arguments:
        _write(FOLDER, stale)
    for name in stale:
        print(f"{'out of date' if '--check' in arguments else 'written'}: {name}")
    return 1 if stale and "--check" in arguments else 0


class _ReadableDumper(yaml.SafeDumper):
    """Writes SQL as it stands in its file, line by line."""


_ReadableDumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def _render_rules(boards: Iterable[str]) -> str:
    documents = [json.loads(board) for board in boards]
    ids = {(board["uid"], panel["title"]): panel["id"] for board in documents for panel in board["panels"]}
    rules = alerts.provisioned_rules(ids)
    return RULES_HEADER + _to_yaml(rules)


def _render_policies() -> str:
    policy = {"orgId": 1, **alerts.notification_policy(RECEIVER_PLACE)}
    return POLICIES_HEADER + _to_yaml({"apiVersion": 1, "policies": [policy]})


def _to_yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_ReadableDumper, sort_keys=False, allow_unicode=True, width=1000)


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


def _write(folder: Path, names: Iterable[str]) -> None:
    rendered = render_files()
    for name in names:
        if name not in rendered:
            (folder / name).unlink()
            continue
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(rendered[name], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
