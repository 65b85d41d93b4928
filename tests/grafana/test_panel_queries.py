"""Every query of every dashboard runs as Grafana's login and returns what its panel draws."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.grafana import build
from tests.grafana.conftest import Answer
from tests.grafana.fleet_rows import NOW, TENANT, add_activity, add_fleet, add_history, add_verdicts
from tests.grafana.macro_expander import Viewer

Board = dict[str, Any]
Panel = dict[str, Any]
NUMBER = (int, float)
FIELD_OF_A_LINK = re.compile(r"__data\.fields\.(\w+)")
PANELS = {
    f"{board['uid']} {panel['title']}": panel
    for entry in sorted(files("ml_core.grafana").joinpath("json").iterdir(), key=lambda entry: entry.name)
    for board in [json.loads(entry.read_text(encoding="utf-8"))]
    for panel in board["panels"]
}
SERIES = {"device_tenant": (str(TENANT),), "device": ("PUMP-1",), "metric": ("temperature",)}


@pytest.fixture
def fleet(database: Database) -> None:
    """A fleet with a day of everything."""
    ids = add_fleet(database)
    add_activity(database, ids)
    add_history(database, ids)


@pytest.fixture
def chooser(database: Database, viewer: Viewer) -> Callable[[str], Viewer]:
    """A function that answers somebody who has chosen one series and the newest run, where a dashboard asks for it."""

    def choose(name: str) -> Viewer:
        if name.startswith("mlh-device"):
            return replace(viewer, chosen=SERIES)
        with database.transaction() as cur:
            cur.execute("SELECT max(id)::text FROM ml_health.run")
            (newest,) = cur.fetchone() or ("",)
        return replace(viewer, chosen={"run": (newest or "",)})

    return choose


def _answers(ask: Callable[..., Answer], panel: Panel, viewer: Viewer) -> list[Answer]:
    return [ask(target["rawSql"], viewer) for target in panel["targets"]]


def test_an_empty_database_shows_no_data_and_no_default(
    ask: Callable[..., Answer], chooser: Callable[[str], Viewer]
) -> None:
    """Where nothing was measured a panel gets no rows at all, so that it says so in words."""
    for name, panel in PANELS.items():
        assert all(rows == [] for _, rows in _answers(ask, panel, chooser(name))), name


@pytest.mark.usefixtures("fleet")
def test_each_query_returns_what_its_panel_type_needs(
    ask: Callable[..., Answer], chooser: Callable[[str], Viewer]
) -> None:
    """A series has ascending times and numbers, a gauge one number, a histogram its columns, a table its overrides."""
    for name, panel in PANELS.items():
        _check_panel(name, panel, _answers(ask, panel, chooser(name)))


def _check_panel(name: str, panel: Panel, answers: list[Answer]) -> None:
    for target, (columns, rows) in zip(panel["targets"], answers, strict=True):
        assert rows, f"{name} has no rows: give it some in tests/grafana/fleet_rows.py"
        assert len(set(columns)) == len(columns), name
        _check_format(target["format"], columns, rows)
    _check_type(panel, *answers[0])
    shown = {column for columns, _ in answers for column in columns}
    labels = {str(value) for columns, rows in answers if "metric" in columns for row in rows for value in row}
    for override in panel["fieldConfig"]["overrides"]:
        option = override["matcher"]["options"]
        if override["matcher"]["id"] == "byRegexp":
            continue
        # Of a series by labels, only those that happened are there.
        assert option in shown or "metric" in shown, f"{name}: {option} is no column of {sorted(shown | labels)}"
    for column in FIELD_OF_A_LINK.findall(json.dumps(panel["fieldConfig"])):
        assert column in shown, f"{name}: a link reads {column}, which is no column of {sorted(shown)}"


def _check_format(form: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    if form == "table":
        assert "time" not in columns
        return
    times = [row[columns.index("time")] for row in rows]
    assert times == sorted(times)
    names = [place for place, column in enumerate(columns) if column not in ("time", "metric")]
    assert all(row[place] is None or isinstance(row[place], NUMBER) for row in rows for place in names)


def _check_type(panel: Panel, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    match panel["type"]:
        case "histogram":
            assert columns[:2] == ["xMin", "xMax"]
            assert all(isinstance(value, NUMBER) for row in rows for value in row)
        case "barchart":
            assert panel["options"]["xField"] == columns[0]
            assert all(value is None or isinstance(value, NUMBER) for row in rows for value in row[1:])
        case "gauge":
            assert len(rows) == 1
        case "state-timeline":
            assert columns[0] == "ts"
            assert isinstance(rows[0][0], datetime)
        case "heatmap":
            assert [float(name) for name in columns[1:]] == sorted(float(name) for name in columns[1:])
    fields = panel["options"].get("reduceOptions", {}).get("fields", "/.*/")
    if fields != "/.*/":
        assert fields == f"/^({columns[1]})$/"
        assert all(isinstance(row[0], str) for row in rows)
        assert all(row[1] is None or isinstance(row[1], NUMBER) for row in rows)


@pytest.mark.usefixtures("fleet")
def test_each_query_runs_with_awkward_names_chosen(ask: Callable[..., Answer], viewer: Viewer) -> None:
    """Names with quotes and slashes, and several at once, are no trouble."""
    several = ("a'b", "plant/line.1", "O'Brien", "Größe-泵", "100 %; --", "{a,b}")
    chosen = dict.fromkeys(("tenant", "site", "metric", "device", "device_tenant", "task", "run"), several)
    for panel in PANELS.values():
        _answers(ask, panel, replace(viewer, chosen=chosen))


@pytest.mark.usefixtures("fleet")
def test_every_variable_lists_what_is_there(boards: list[Board], ask: Callable[..., Answer], viewer: Viewer) -> None:
    """A drop-down of each dashboard is filled, from the top one to the one that depends on the others."""
    for board in boards:
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            columns, rows = ask(
                variable["query"], replace(viewer, chosen=SERIES if board["uid"] == "mlh-device" else {})
            )

            assert rows, variable["name"]
            assert columns in (["__value", "__text"], columns[:1])


@pytest.mark.usefixtures("fleet")
def test_every_annotation_is_marked(boards: list[Board], ask: Callable[..., Answer], viewer: Viewer) -> None:
    """An annotation has its time, a text, tags, and where it lasts an end."""
    for board in boards:
        for note in board.get("annotations", {}).get("list", []):
            columns, rows = ask(note["target"]["rawSql"], replace(viewer, chosen=SERIES))

            assert {"time", "text", "tags"} <= set(columns) <= {"time", "timeend", "text", "tags"}
            assert rows, note["name"]
            assert all(isinstance(row[columns.index("text")], str) for row in rows)


def test_a_scheduler_that_died_has_missed_its_slots(
    database: Database, show: Callable[..., Answer], viewer: Viewer
) -> None:
    """Slots are missed after the newest run as well as between two; a slot that is only just due is not."""
    with database.transaction() as cur:
        for task, until in (("ml_score", timedelta(hours=6)), ("ml_escalate", timedelta(minutes=6))):
            cur.execute(
                "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at, finished_at, duration_ms)"
                " SELECT %s, at, 'succeeded', 'a', at, at, 9"
                " FROM generate_series(%s::timestamptz, %s::timestamptz, interval '5 minutes') AS at",
                (task, NOW - until - timedelta(hours=6), NOW - until),
            )
    rows = show("Missed slots", viewer)[1]

    assert [(row[0], row[2], row[3]) for row in rows] == [("ml_score", 71, 21600), ("ml_escalate", 0, 360)]


def test_what_is_yet_to_come_of_today_was_not_missed(
    database: Database, show: Callable[..., Answer], viewer: Viewer
) -> None:
    """Grafana's Today ends at midnight: in the morning no slot of the evening is missed, and nobody has been silent."""
    now = datetime.now(UTC)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at, finished_at, duration_ms)"
            " SELECT 'ml_score', at, 'succeeded', 'a', at, at, 9"
            " FROM generate_series(%s::timestamptz, %s::timestamptz, interval '5 minutes') AS at",
            (now - timedelta(hours=6), now),
        )
    today = replace(viewer, start=now - timedelta(hours=12), end=now + timedelta(hours=12))
    missed, silent, last = (show(title, today)[1][0] for title in ("Missed slots", "Heartbeat", "Orchestrator"))

    assert missed[2] == 0
    assert max(missed[3], silent[0], last[0]) < 600


def test_an_interrupted_run_is_not_called_failed(database: Database, show: Callable[..., Answer]) -> None:
    """It is taken up again: a column and a colour of its own kind, as in the table of what was not done."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at)"
            " VALUES ('ml_score', %(at)s, 'interrupted', 'a', %(at)s)",
            {"at": NOW - timedelta(hours=1)},
        )
    columns, rows = show("Outcomes by task")

    assert {name for name, count in zip(columns[1:], rows[0][1:], strict=True) if count} == {"Interrupted"}


def test_a_word_has_one_colour_on_every_panel(boards: list[Board]) -> None:
    """Health, outcomes and verdicts are drawn alike as a cell, a bar, a figure and a line."""
    style = build.runs.style
    words = {value.replace("_", " "): colour for value, _, colour in (*style.HEALTHS, *style.OUTCOMES, *style.VERDICTS)}
    drawn = [
        (override["matcher"]["options"].lower(), change["value"]["fixedColor"])
        for board in boards
        for panel in board["panels"]
        for override in panel["fieldConfig"]["overrides"]
        for change in override["properties"]
        if change["id"] == "color" and "fixedColor" in change["value"]
    ]

    assert {name for name, _ in drawn} >= {"partial", "interrupted", "confirmed", "stale", "failed"}
    assert [(name, colour) for name, colour in drawn if words.get(name, colour) != colour] == []


def test_the_heartbeat_tells_what_its_alert_is_about(
    database: Database, show: Callable[..., Answer], viewer: Viewer
) -> None:
    """Other tasks may run every minute while the daily check has been silent for days: both ages are told."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at, finished_at) VALUES"
            " ('ml_health_check', %(old)s, 'succeeded', 'a', %(old)s, %(old)s),"
            " ('ml_health_check', %(new)s, 'failed', 'a', %(new)s, %(new)s),"
            " ('ml_score', %(new)s, 'succeeded', 'a', %(new)s, %(new)s)",
            {"old": NOW - timedelta(hours=50), "new": NOW - timedelta(minutes=1)},
        )
    columns, rows = show("Heartbeat", viewer)

    assert columns == ["Any task", "Daily check"]
    assert rows == [(60.0, 50 * 3600.0)]


def test_a_series_has_no_precision_below_the_least_number_of_reviews(
    database: Database, show: Callable[..., Answer]
) -> None:
    """One false alarm of one is no rate; its series is listed all the same."""
    ids = add_fleet(database)
    add_verdicts(database, ids["PUMP-1", "temperature"], "temperature", false_alarm=5, confirmed=15)
    add_verdicts(database, ids["PUMP-1", "pressure"], "pressure", false_alarm=1)

    assert [row[1:5] for row in show("Series with the most false alarms")[1]] == [
        ("temperature", 20, 5, 0.75),
        ("pressure", 1, 1, None),
    ]


def test_what_waits_for_a_review_says_of_what_to_speak(database: Database, show: Callable[..., Answer]) -> None:
    """An episode's number where an alarm is part of one, and its own id elsewhere: the console takes both."""
    ids = add_fleet(database)
    add_verdicts(database, ids["PUMP-1", "temperature"], "temperature", unreviewed=2)
    with database.transaction() as cur:
        cur.execute(
            'UPDATE public.anomaly_detections SET episode_id = 17 WHERE "timestamp" = %s', (NOW - timedelta(hours=2),)
        )
        cur.execute("SELECT id::text FROM public.anomaly_detections WHERE episode_id IS NULL")
        ((alone,),) = cur.fetchall()
    columns, rows = show("To review, the most severe first")

    assert {row[columns.index("Subject")] for row in rows} == {"17", alone}


def test_a_run_is_named_by_its_slot_in_utc(boards: list[Board], database: Database, viewer: Viewer) -> None:
    """Whatever the time zone of the server or of a login that an administrator made."""
    add_fleet(database)
    variables = [variable for board in boards for variable in board["templating"]["list"]]
    (query,) = {variable["query"] for variable in variables if variable["name"] == "run"}
    with database.transaction() as cur:
        cur.execute("SET LOCAL timezone = 'Asia/Kolkata'")
        cur.execute(viewer.expand(query, {"task": "task"}))

        assert cur.fetchall()[0][1] == "ml_score 2026-03-10 11:55"
