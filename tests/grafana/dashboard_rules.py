"""The rules that every dashboard of ours keeps; each broken one is a line that names the panel."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
RELATION = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)(\.[a-z_]+)?", re.IGNORECASE)
COMMON_TABLE = re.compile(r"\b([a-z_]+) AS (?:MATERIALIZED )?\(\s*SELECT", re.IGNORECASE)
KEYWORDS = {"lateral"}


def broken_rules(boards: Sequence[dict[str, Any]]) -> list[str]:
    """Every rule that is broken, in words."""
    return [
        *_not_unique([board["uid"] for board in boards], "uid"),
        *_not_unique([board["title"] for board in boards], "title"),
        *(f"{board['uid']}: {fault}" for board in boards for fault in _board_faults(board)),
    ]


def _not_unique(values: Sequence[Any], what: str) -> Iterator[str]:
    yield from (f"{what} {value!r} stands twice" for value in {v for v in values if values.count(v) > 1})


def _board_faults(board: dict[str, Any]) -> Iterator[str]:
    wanted = {"editable": False, "timezone": "utc", "refresh": "1m", "tags": ["ml-health"]}
    yield from (f"{key} must be {value!r}" for key, value in wanted.items() if board.get(key) != value)
    if board["schemaVersion"] > 42:
        yield "schemaVersion above 42 is refused by file provisioning"
    panels = board["panels"]
    yield from _not_unique([panel.get("id") for panel in panels], "panel id")
    yield from _not_unique([panel["title"] for panel in panels], "panel title")
    for panel in panels:
        yield from (f"panel {panel.get('title')!r}: {fault}" for fault in _panel_faults(panel))
    for one, other in itertools.combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"panels {one['title']!r} and {other['title']!r} overlap"
    for variable in board["templating"]["list"]:
        yield from (f"variable {variable['name']}: {fault}" for fault in _variable_faults(variable))


def _panel_faults(panel: dict[str, Any]) -> Iterator[str]:
    if not panel.get("id"):
        yield "no id"
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"no {key}"
    if "Healthy:" not in panel.get("description", ""):
        yield "the description does not say what healthy looks like"
    defaults = panel["fieldConfig"]["defaults"]
    for key in ("unit", "noValue"):
        if not defaults.get(key):
            yield f"no {key}"
    if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
        yield "wider than the grid"
    if panel.get("datasource") != DATASOURCE:
        yield "the datasource is not templated"
    for target in panel["targets"]:
        if target["datasource"] != DATASOURCE:
            yield "a query's datasource is not templated"
        yield from query_faults(target["rawSql"])


def _variable_faults(variable: dict[str, Any]) -> Iterator[str]:
    if variable["type"] != "query":
        return
    if variable.get("refresh") != 2:
        yield "refresh must be 2"
    if variable.get("datasource") != DATASOURCE:
        yield "the datasource is not templated"
    yield from query_faults(variable["query"])


def query_faults(sql: str) -> Iterator[str]:
    """What is wrong with one query."""
    code = re.sub(r"--[^\n]*", "", sql)
    code = re.sub(r"extract\(epoch FROM", "extract(", code)
    own = {name.lower() for name in COMMON_TABLE.findall(code)} | KEYWORDS
    for schema, relation in RELATION.findall(code):
        if not relation and schema.lower() in own:
            continue
        if schema != "grafana" or not relation:
            yield f"reads {schema}{relation}, which is not in schema grafana"
    if re.search(r"\bnow\s*\(|current_timestamp", code, re.IGNORECASE):
        yield "reads the clock instead of the dashboard's time range"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or above)
