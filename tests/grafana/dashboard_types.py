"""Dashboards held against Grafana's own types; each fault is a line that names the panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

Schema = dict[str, Any]


@cache
def _schema() -> Schema:
    schema: Schema = json.loads((Path(__file__).parent / "dashboard_schema.json").read_text(encoding="utf-8"))
    return schema


def type_faults(board: dict[str, Any]) -> list[str]:
    """Where a dashboard is not what Grafana's types say, in words."""
    without_panels = {name: value for name, value in board.items() if name != "panels"}
    schema = _schema()
    frame = {
        **schema,
        "properties": {name: part for name, part in schema["properties"].items() if name != "panels"},
        "required": [name for name in schema["required"] if name != "panels"],
    }
    faults = [*_faults(frame, without_panels)]
    for panel in board["panels"]:
        faults += [f"panel {panel.get('title')!r}: {fault}" for fault in _panel_faults(panel)]
    return faults


def _panel_faults(panel: dict[str, Any]) -> Iterator[str]:
    kind = _panel_kinds().get(panel.get("type", ""))
    if kind is None:
        yield f"type {panel.get('type')!r} is no panel of ours"
        return
    yield from _faults({"$ref": f"#/definitions/{kind}"}, panel)
    fields = _resolve(_resolve(_schema()["definitions"][kind]["properties"]["fieldConfig"])["properties"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        for chosen in override["properties"]:
            yield from _override_faults(fields, chosen)


def _override_faults(fields: Schema, chosen: dict[str, Any]) -> Iterator[str]:
    """An override names a property of the panel's fields and gives it a value of that property's type."""
    names = str(chosen["id"]).split(".")
    for name in names:
        known = _resolve(fields).get("properties", {})
        if name not in known:
            yield f"an override's id {chosen['id']!r} is none of its fields' properties"
            return
        fields = known[name]
    yield from (f"override {chosen['id']}: {fault}" for fault in _faults(fields, chosen.get("value")))


@cache
def _panel_kinds() -> dict[str, str]:
    panels = _schema()["properties"]["panels"]["items"]["anyOf"]
    names = [panel["$ref"].rsplit("/", 1)[1] for panel in panels]
    return {_schema()["definitions"][name]["properties"]["type"]["const"]: name for name in names}


def _resolve(part: Schema) -> Schema:
    while "$ref" in part:
        part = _schema()["definitions"][part["$ref"].removeprefix("#/definitions/")]
    return part


def _faults(part: Schema, value: Any) -> Iterator[str]:
    validator = Draft7Validator({**part, "definitions": _schema()["definitions"]})
    for error in validator.iter_errors(value):
        place = ".".join(map(str, error.absolute_path)) or "itself"
        yield f"{place}: {error.message}"
