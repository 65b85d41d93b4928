"""The shipped dashboards keep the rules, and the rules notice what breaks them."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from ml_core.grafana import build
from ml_core.sql import list_sql, read_sql
from tests.grafana.dashboard_rules import broken_rules

Board = dict[str, Any]
PLACE = re.compile(r"(?<!:):[a-z_]+")


def test_shipped_dashboards_keep_every_rule(boards: list[Board]) -> None:
    """Nothing shipped breaks a rule."""
    assert broken_rules(boards) == []


def test_regenerating_gives_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed JSON is what the builders make."""
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_an_edited_file_is_named_by_the_check(tmp_path: Any) -> None:
    """An edited, a missing and a left-over file are each named."""
    for name, text in build.render_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "json/device.json").write_text("{}", encoding="utf-8")
    (tmp_path / "json/runs.json").unlink()
    (tmp_path / "json/old.json").write_text("{}", encoding="utf-8")

    assert build.outdated(tmp_path) == ["json/device.json", "json/old.json", "json/runs.json"]


def test_every_query_is_shown_by_its_dashboard(boards: list[Board]) -> None:
    """A panel that was written and not put into `build()` is named by its query."""
    shown = {target["rawSql"] for board in boards for panel in board["panels"] for target in panel["targets"]}
    shown |= {note["target"]["rawSql"] for board in boards for note in board.get("annotations", {}).get("list", [])}
    left_over = []
    for path in (path for name in build.DASHBOARDS for path in list_sql(f"panels/{name}")):
        lines = {line for line in read_sql(path).splitlines() if not PLACE.search(line)}
        if not any(lines <= set(text.splitlines()) for text in shown):
            left_over.append(path)

    assert left_over == []


def _set(key: str, value: Any) -> Callable[[Board], None]:
    return lambda board: board["panels"][0].__setitem__(key, value)


def _set_query(text: str) -> Callable[[Board], None]:
    return lambda board: board["panels"][0]["targets"][0].__setitem__("rawSql", text)


def _link(url: str) -> Callable[[Board], None]:
    return lambda board: board["panels"][0].__setitem__("links", [{"title": "There", "url": url}])


def _add_variable(board: Board) -> None:
    board["templating"]["list"].append({**board["templating"]["list"][-1], "name": "line"})


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (_set("title", ""), "no title"),
        (_set("description", ""), "no description"),
        (_set("id", 2), "panel id 2 stands twice"),
        (_set("datasource", {"type": "postgres", "uid": "abc"}), "not templated"),
        (_set("gridPos", {"x": 6, "y": 0, "w": 4, "h": 4}), "overlap"),
        (_set("gridPos", {"x": 22, "y": 90, "w": 4, "h": 4}), "wider than the grid"),
        (lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("unit"), "no unit"),
        (lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("noValue"), "no noValue"),
        (_set_query("SELECT 1 FROM ml_health.series"), "reads ml_health.series"),
        (_set_query("SELECT 1 FROM public.ml_models"), "reads public.ml_models"),
        (_set_query("SELECT 1 FROM series"), "reads series"),
        (_set_query("SELECT now() FROM grafana.run"), "clock"),
        (lambda board: board["templating"]["list"][1].__setitem__("refresh", 1), "refresh must be 2"),
        (_set_query("SELECT 1 FROM grafana.anomaly"), "without saying when"),
        (_set_query("SELECT 1 FROM grafana.run WHERE $__timeFilter(coalesce(slot))"), "no plain column"),
        (
            _set_query("SELECT 1 FROM grafana.device WHERE device IN (${machine:sqlstring})"),
            "${machine} is no variable",
        ),
        (_set("description", "A gauge. Healthy: full. See ${plant}."), "${plant} is no variable"),
        (_link("/d/mlh-fleat?${__url_time_range}"), "mlh-fleat, which is no dashboard"),
        (_link("/d/mlh-fleet?${site:queryparam}"), "loses the time range"),
        (_link("/d/mlh-fleet?var-run=1&${__url_time_range}"), "sets run, which is no variable there"),
        (_add_variable, "variable line is not used"),
        (
            lambda board: board["panels"][0]["fieldConfig"]["defaults"].__setitem__("color", {"fixedColor": "pink"}),
            "colour 'pink' has no meaning",
        ),
        (lambda board: board.__setitem__("schemaVersion", 43), "schemaVersion"),
        (lambda board: board.__setitem__("editable", True), "editable"),
    ],
)
def test_a_planted_violation_is_caught(boards: list[Board], plant: Callable[[Board], None], told: str) -> None:
    """Each rule notices a dashboard that breaks it."""
    planted = copy.deepcopy(boards[0])
    plant(planted)
    faults = broken_rules([planted, *boards[1:]])

    assert any(told in fault for fault in faults), faults


def test_two_dashboards_of_one_uid_are_caught(boards: list[Board]) -> None:
    """A uid and a title that stand twice are named."""
    faults = broken_rules([*boards, boards[0]])

    assert faults == ["uid 'mlh-fleet' stands twice", "title 'ML health: fleet overview' stands twice"]
