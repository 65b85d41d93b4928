"""Makes dashboard_schema.json: what Grafana's own types allow a dashboard to be, as a strict JSON schema.

Run `python -m tests.grafana.make_dashboard_schema` after `make browser-packages`, with a new version in
tests/browser/package.json.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

BROWSER = Path(__file__).parents[1] / "browser"
SCHEMA = Path(__file__).parent / "dashboard_schema.json"
OPTIONS = ("--required", "--noExtraProps", "--strictNullChecks", "--skipLibCheck", "--ignoreErrors")


def make_schema() -> str:
    """The schema's text, made of the installed @grafana/schema."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "schema.json"
        program = BROWSER / "node_modules/.bin/typescript-json-schema"
        command = [program, "dashboards.ts", "OurDashboard", *OPTIONS, "-o", out]
        subprocess.run(command, cwd=BROWSER, check=True, capture_output=True)
        made = json.loads(out.read_text(encoding="utf-8"))
    package = json.loads((BROWSER / "node_modules/@grafana/schema/package.json").read_text(encoding="utf-8"))
    _open_records(made["definitions"])
    source = f"made by make_dashboard_schema.py of {package['name']} {package['version']} (Apache-2.0)"
    return json.dumps({"$comment": source, **_without_words(made)}, indent=1, sort_keys=True) + "\n"


def _open_records(definitions: dict[str, Any]) -> None:
    """A record takes any key: without this the strictness about keys would empty it."""
    for name, definition in definitions.items():
        if name.startswith("Record<string,"):
            kind = name.removeprefix("Record<string,").removesuffix(">")
            known = {"string": {"type": "string"}, "unknown": True}
            definition["additionalProperties"] = known.get(kind, {"$ref": f"#/definitions/{kind}"})


def _without_words(node: Any) -> Any:
    """Descriptions and defaults decide nothing."""
    if isinstance(node, list):
        return [_without_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _without_words(item) for name, item in value.items()}
        if key in ("properties", "definitions")
        else _without_words(value)
        for key, value in node.items()
        if key not in ("description", "default") or not isinstance(value, str | int | float | bool)
    }


if __name__ == "__main__":
    SCHEMA.write_text(make_schema(), encoding="utf-8")
