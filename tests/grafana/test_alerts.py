"""Alert rules fire when they should, run as Grafana's login, and lead to where the same is shown."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml_core.adapters.grafana.files import render_files
from ml_core.adapters.postgres.database import Database
from ml_core.domain.incidents.runbook import DOCS_URL
from ml_core.ports.grafana_files import Alerting, Datasource
from tests.grafana.conftest import Answer
from tests.grafana.dashboard_rules import query_faults
from tests.grafana.fleet_rows import NOW, add_activity, add_fleet, add_history, add_verdicts
from tests.grafana.macro_expander import Viewer

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Datasource(
    uid="ml", address="db:5432", database="d", user="u", sslmode="require", postgres_major=18, password=None
)
Board = dict[str, Any]
Rule = dict[str, Any]


def _render(alerting: Alerting) -> dict[str, Any]:
    found = render_files(SOURCE, dashboards_path="/boards", alerting=alerting)
    return {file.path.split("/")[-1]: yaml.safe_load(file.text) for file in found if file.path.startswith("alerting/")}


RULES: dict[str, Rule] = {
    rule["uid"]: rule for rule in _render(Alerting())["ml-health-rules.yaml"]["groups"][0]["rules"]
}


@pytest.fixture
def figure(ask: Callable[..., Answer], viewer: Viewer) -> Callable[[str], float | None]:
    """A function that answers the figure of a rule at NOW, as the reduction to the last value would; None: no data."""

    def read(uid: str, seen_by: Viewer = viewer) -> float | None:
        question = RULES[uid]["data"][0]
        start = seen_by.end - timedelta(seconds=question["relativeTimeRange"]["from"])
        columns, rows = ask(question["model"]["rawSql"], replace(seen_by, start=start))
        assert columns[0] == "time"
        assert len(columns) == 2
        assert all(row[0] == seen_by.end for row in rows)
        return rows[-1][1] if rows else None

    return read


def _fires(uid: str, value: float | None) -> bool:
    """Whether Grafana's threshold says so."""
    rule = RULES[uid]
    if value is None:
        return bool(rule["noDataState"] == "Alerting")
    evaluator = rule["data"][2]["model"]["conditions"][0]["evaluator"]
    (bound,) = evaluator["params"]
    return value > bound if evaluator["type"] == "gt" else value < bound


def test_an_empty_site_is_told_of_its_silence_and_of_nothing_else(figure: Callable[[str], float | None]) -> None:
    """Before anything has run, only the missing heartbeat is an alert."""
    assert [uid for uid in RULES if _fires(uid, figure(uid))] == ["mlh-heartbeat"]


def test_a_healthy_fleet_raises_no_alert(database: Database, figure: Callable[[str], float | None]) -> None:
    """A day like any other: every rule has its figure, and none is over its bound but those that the rows plant."""
    ids = add_fleet(database)
    add_activity(database, ids)
    add_history(database, ids)
    with database.transaction() as cur:
        cur.execute("UPDATE public.ml_models SET trained_at = %s", (NOW - timedelta(days=2),))
        cur.execute("UPDATE ml_health.series SET state = 'modelled' WHERE state = 'circuit_open'")
        cur.execute("DELETE FROM ml_health.series WHERE id NOT IN (SELECT series_id FROM public.ml_models)")

    assert [uid for uid in RULES if _fires(uid, figure(uid))] == []


@pytest.mark.parametrize(
    ("uid", "plant"),
    [
        ("mlh-heartbeat", "UPDATE ml_health.run SET finished_at = finished_at - interval '27 hours'"),
        ("mlh-active-share", "UPDATE public.ml_models SET status = 'retired' WHERE device_id <> 'PUMP-1'"),
        (
            "mlh-scoring-stalled",
            "INSERT INTO ml_health.detector_state (series_id, model_id, scored_from, watermark, updated_at)"
            " SELECT series_id, id, %(now)s, %(now)s - interval '2 hours', %(now)s FROM public.ml_models LIMIT 1;"
            " UPDATE ml_health.series SET newest_reading_at = %(now)s",
        ),
        ("mlh-stale-models", "UPDATE public.ml_models SET trained_at = trained_at - interval '10 days'"),
        ("mlh-anomaly-rate", "UPDATE ml_health.fleet_hourly SET anomalies = anomalies * 4"),
        (
            "mlh-latency-p95",
            "UPDATE ml_health.fleet_hourly SET latency_buckets ="
            " ARRAY[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 300, 0, 0, 0]::bigint[]",
        ),
        ("mlh-precision", ""),
        ("mlh-incident-age", "UPDATE ml_health.incident SET opened_at = opened_at - interval '73 hours'"),
        (
            "mlh-failed-retrains",
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at) SELECT 'ml_retrain',"
            " %(now)s - interval '1 minute' * minute, 'failed', 'a', %(now)s FROM generate_series(1, 3) AS minute",
        ),
    ],
)
def test_each_rule_fires_when_it_should(
    database: Database, figure: Callable[[str], float | None], uid: str, plant: str
) -> None:
    """What the rule is there for is planted, and its figure crosses the bound."""
    ids = add_fleet(database)
    add_activity(database, ids)
    add_history(database, ids)
    if uid == "mlh-precision":
        add_verdicts(database, ids["PUMP-1", "pressure"], "pressure", false_alarm=20)
    else:
        with database.transaction() as cur:
            cur.execute(plant, {"now": NOW})

    assert _fires(uid, figure(uid))


@pytest.mark.parametrize("ahead_is_scored", [False, True])
def test_a_clock_that_runs_ahead_neither_alarms_nor_hides_a_stall(
    database: Database, figure: Callable[[str], float | None], ahead_is_scored: bool
) -> None:
    """Readings of next year say nothing of whether scoring keeps up with those of today."""
    add_fleet(database)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.detector_state (series_id, model_id, scored_from, watermark, updated_at)"
            " SELECT series_id, id, %(now)s, %(now)s - interval '5 minutes', %(now)s FROM public.ml_models;"
            " UPDATE ml_health.series SET newest_reading_at = %(now)s - interval '4 minutes';"
            " UPDATE ml_health.series SET newest_reading_at = %(now)s + interval '1 year' WHERE device_id = 'PUMP-1'",
            {"now": NOW},
        )
    assert figure("mlh-scoring-stalled") == 60

    with database.transaction() as cur:
        cur.execute("UPDATE ml_health.detector_state SET watermark = %s", (NOW - timedelta(hours=3),))
        if ahead_is_scored:
            cur.execute(
                "UPDATE ml_health.detector_state SET watermark = %s WHERE series_id IN"
                " (SELECT id FROM ml_health.series WHERE device_id = 'PUMP-1')",
                (NOW + timedelta(days=365),),
            )

    assert _fires("mlh-scoring-stalled", figure("mlh-scoring-stalled"))


@pytest.mark.parametrize("uid", RULES)
def test_each_rule_says_what_to_do_and_leads_to_its_panel(boards: list[Board], uid: str) -> None:
    """Summary, description, a runbook that is there, a dashboard and a panel that are there."""
    rule = RULES[uid]
    panels = {(board["uid"], panel["id"]) for board in boards for panel in board["panels"]}
    page, _, heading = rule["annotations"]["runbook_url"].removeprefix(DOCS_URL + "/").partition("#")
    text = (DOCS / page).read_text(encoding="utf-8")

    assert (rule["dashboardUid"], rule["panelId"]) in panels
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["labels"] == {"project": "ml-health", "severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert not heading or f"# {heading.replace('-', ' ')}" in text.lower()
    assert list(query_faults(rule["data"][0]["model"]["rawSql"])) == []
    assert "${" not in rule["data"][0]["model"]["rawSql"]


def test_rules_are_named_once_and_ask_our_datasource() -> None:
    """A uid and a title each, and the site's datasource in every query."""
    rules = list(RULES.values())

    assert len({rule["title"] for rule in rules}) == len(rules) == 9
    assert {rule["data"][0]["datasourceUid"] for rule in rules} == {"ml"}
    assert {rule["data"][0]["model"]["datasource"]["uid"] for rule in rules} == {"ml"}


def test_templates_of_annotations_survive_grafanas_own_variables() -> None:
    """Grafana reads $NAME as a variable of its environment, so each dollar of a template is doubled."""
    packaged = files("ml_core.grafana").joinpath("provisioning/alerting/rules.yaml").read_text(encoding="utf-8")
    summaries = [rule["annotations"]["summary"] for rule in yaml.safe_load(packaged)["groups"][0]["rules"]]

    assert all(text.count("$") == 2 * text.count("$$") for text in summaries)
    assert any("$$values.B" in text for text in summaries)


@pytest.mark.parametrize("uid", RULES)
def test_a_summary_tells_a_figure_as_people_read_it(uid: str) -> None:
    """A value alone prints all of its sixteen digits; and where there is no data Grafana knows no value at all."""
    rule = RULES[uid]
    told = rule["annotations"]["summary"].replace("$$", "$")

    assert "$values.B }}" not in told
    assert rule["noDataState"] != "Alerting" or "$values" not in told


def test_without_a_contact_grafana_tells_whom_it_tells_by_default() -> None:
    """Rules only: neither a contact point nor a policy of somebody else is touched."""
    found = _render(Alerting())

    assert list(found) == ["ml-health-rules.yaml"]
    assert all("notification_settings" not in rule for rule in RULES.values())


@pytest.mark.parametrize(
    ("contact", "setting", "variable"),
    [("email", "addresses", "ML_HEALTH_ALERT_EMAIL"), ("webhook", "url", "ML_HEALTH_ALERT_WEBHOOK_URL")],
)
def test_whom_to_tell_stands_in_grafanas_environment(contact: Any, setting: str, variable: str) -> None:
    """The file names the variable and no address; each rule names the contact point."""
    found = _render(Alerting(contact=contact))
    (point,) = found["ml-health-contact.yaml"]["contactPoints"]
    (receiver,) = point["receivers"]

    assert receiver["settings"][setting] == f"${{{variable}}}"
    assert {
        rule["notification_settings"]["receiver"] for rule in found["ml-health-rules.yaml"]["groups"][0]["rules"]
    } == {point["name"]}


def test_a_tree_of_policies_is_written_only_where_it_is_asked_for() -> None:
    """It replaces Grafana's whole tree, and sends our alerts to our contact point."""
    found = _render(Alerting(contact="email", own_policies=True))
    (tree,) = found["ml-health-policies.yaml"]["policies"]

    assert tree["receiver"] == found["ml-health-contact.yaml"]["contactPoints"][0]["name"]
    assert tree["routes"][0]["object_matchers"][0] == ["project", "=", "ml-health"]
    assert all("notification_settings" not in rule for rule in found["ml-health-rules.yaml"]["groups"][0]["rules"])
