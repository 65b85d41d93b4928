"""The rules that every dashboard of ours keeps; each broken one is a line that names the panel."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ml_core.grafana.names import SEEN_UNTIL
from ml_core.sql import load_views

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
RELATION = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)(\.[a-z_]+)?", re.IGNORECASE)
COMMON_TABLE = re.compile(r"\b([a-z_]+) AS (?:MATERIALIZED )?\(\s*SELECT", re.IGNORECASE)
KEYWORDS = {"lateral", "unnest", "generate_series"}
COLOURS = {"green", "yellow", "red", "blue", "#8e8e8e"}
TIME_COLUMN = re.compile(r"\"time\"|\"timestamp\"|\bslot\b")
# Views of what happened at some time: who reads one says which time is meant.
IN_TIME = re.compile(
    rf"grafana\.({'|'.join(name for name, text in load_views().items() if TIME_COLUMN.search(text))})\b"
)
BUILT_IN = {"__value", "__data", "__url_time_range", "__name", "__field"}
USED = re.compile(r"\$\{(\w+)[^}]*\}")
LINKED = re.compile(r"^/d/([\w-]+)\?")
PASSED = re.compile(r"(?:var-(\w+)=|\$\{(\w+):queryparam\})")


def broken_rules(boards: Sequence[dict[str, Any]]) -> list[str]:
    """Every rule that is broken, in words."""
    return [
        *_not_unique([board["uid"] for board in boards], "uid"),
        *_not_unique([board["title"] for board in boards], "title"),
        *(f"{board['uid']}: {fault}" for board in boards for fault in _board_faults(board)),
        *_link_faults(boards),
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
    for note in board.get("annotations", {}).get("list", []):
        yield from (f"annotation {note['name']}: {fault}" for fault in query_faults(note["target"]["rawSql"]))
    yield from _usage_faults(board)
    for colour in sorted(set(_colours(board)) - COLOURS):
        yield f"colour {colour!r} has no meaning here"


def _usage_faults(board: dict[str, Any]) -> Iterator[str]:
    """Each variable that is used is there, and each that is there is used or handed on."""
    there = {variable["name"] for variable in board["templating"]["list"]}
    texts = list(_texts(board))
    used = {name for text in texts for name in USED.findall(text)} - BUILT_IN
    yield from (f"${{{name}}} is no variable of this dashboard" for name in sorted(used - there))
    yield from (f"variable {name} is not used" for name in sorted(there - used))


def _link_faults(boards: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each link leads to a dashboard of ours, hands on its time, and sets variables that are there."""
    variables = {board["uid"]: {variable["name"] for variable in board["templating"]["list"]} for board in boards}
    for board in boards:
        for text in _texts(board):
            if (found := LINKED.match(text)) is None:
                continue
            target = found.group(1)
            if target not in variables:
                yield f"{board['uid']}: a link leads to {target}, which is no dashboard of ours"
                continue
            if "${__url_time_range}" not in text:
                yield f"{board['uid']}: a link to {target} loses the time range"
            passed = {name for pair in PASSED.findall(text) for name in pair if name}
            for name in sorted(passed - variables[target]):
                yield f"{board['uid']}: a link to {target} sets {name}, which is no variable there"


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (text for value in node.values() for text in _texts(value))
    elif isinstance(node, list):
        yield from (text for value in node for text in _texts(value))


def _colours(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        yield from (colour for value in node for colour in _colours(value))
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("color", "fixedColor", "iconColor") and isinstance(value, str):
                yield value
            else:
                yield from _colours(value)


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
    if IN_TIME.search(code) and not re.search(r"\$__time(Filter|From|To)\b", code):
        yield "reads what happened without saying when"
    for arguments in re.findall(r"\$__timeFilter\(([^)]*)\)", code):
        if not re.fullmatch(r'[\w".]+', arguments):
            yield f"$__timeFilter({arguments}) is no plain column, and Grafana would cut it"
    if re.search(r"\bnow\s*\(|current_timestamp", code.replace(SEEN_UNTIL, ""), re.IGNORECASE):
        yield "reads the clock instead of the dashboard's time range"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or above)
