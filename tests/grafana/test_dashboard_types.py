"""The shipped dashboards are what Grafana's own types allow, and the types notice what they do not."""

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.grafana.dashboard_types import type_faults
from tests.grafana.make_dashboard_schema import BROWSER, SCHEMA, make_schema

Board = dict[str, Any]
Plant = Callable[[Board], None]
# Of dashboard_schema.json as the script made it: an edit by hand is noticed without Node.
MADE = "6bc34107430acc9a1a2d9198c901dc373c72e1c62e826b1b6310cb7398ad1129"


def test_every_dashboard_is_what_grafanas_types_allow(boards: list[Board]) -> None:
    """No unknown key, no value of another type, in panels, fields, overrides, variables, annotations."""
    assert {board["uid"]: faults for board in boards if (faults := type_faults(board))} == {}


def test_the_schema_is_the_one_that_was_made() -> None:
    """Nobody has loosened it by hand."""
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() == MADE


@pytest.mark.skipif(
    not (BROWSER / "node_modules/.bin/typescript-json-schema").exists(),
    reason="Grafana's packages are not installed: make browser-packages",
)
def test_making_the_schema_again_gives_no_difference() -> None:
    """The schema is what Grafana's package says."""
    assert make_schema() == SCHEMA.read_text(encoding="utf-8")


def _panel(board: Board, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


def _defaults(board: Board, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = _panel(board, kind)["fieldConfig"]["defaults"]
    return found


MISTAKES: dict[str, tuple[Plant, str]] = {
    "a panel type that is not there": (lambda b: b["panels"][0].update(type="guage"), "'guage' is no panel"),
    "an option of another panel": (lambda b: _panel(b, "gauge")["options"].update(xField="metric"), "'xField'"),
    "a misspelt option": (lambda b: _panel(b, "stat")["options"].update(colourMode="value"), "'colourMode'"),
    "a wrong word for an option": (lambda b: _panel(b, "stat")["options"].update(colorMode="green"), "'green'"),
    "a unit that is no text": (lambda b: _defaults(b, "gauge").update(unit=3), "3 is not of type 'string'"),
    "a drawing style that is not there": (
        lambda b: _defaults(b, "timeseries")["custom"].update(drawStyle="dots"),
        "'dots' is not one of",
    ),
    "thresholds without steps": (lambda b: _defaults(b, "gauge")["thresholds"].pop("steps"), "'steps' is a required"),
    "a width in words": (lambda b: b["panels"][0]["gridPos"].update(w="wide"), "'wide' is not of type 'number'"),
    "an override of a property that is not there": (
        lambda b: _panel(b, "table")["fieldConfig"]["overrides"][0]["properties"][0].update(id="custom.colour"),
        "'custom.colour' is none",
    ),
    "an override with a wrong value": (
        lambda b: _panel(b, "table")["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "custom.width", "value": "wide"}
        ),
        "override custom.width: itself: 'wide'",
    ),
    "a variable that is refreshed never before heard of": (
        lambda b: b["templating"]["list"][1].update(refresh=7),
        "templating.list.1.refresh: 7",
    ),
    "a query in an unknown form": (
        lambda b: b["panels"][0]["targets"][0].update(format="graph"),
        "targets.0.format: 'graph'",
    ),
    "a key that no dashboard has": (lambda b: b.update(folder="ML health"), "'folder' was unexpected"),
    "a theme for a time zone": (lambda b: b.update(timezone=2), "timezone: 2"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_rejected(boards: list[Board], mistake: str) -> None:
    """Each mistake is told, with the panel or place that holds it."""
    plant, told = MISTAKES[mistake]
    planted = copy.deepcopy(boards[0])
    plant(planted)
    faults = type_faults(planted)

    assert any(told in fault for fault in faults), faults
