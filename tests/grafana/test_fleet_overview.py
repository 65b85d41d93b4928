"""The fleet overview shows what was measured, as Grafana's login reads it from a real database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.domain.reviews.detection_quality import estimate_quality
from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.domain.scoring.rollup import latency_quantile_ms
from tests.grafana.conftest import Answer
from tests.grafana.fleet_rows import NOW, SCORED, add_activity, add_fleet, add_verdicts, add_warning
from tests.grafana.macro_expander import Viewer

Show = Callable[..., Answer]
Board = dict[str, Any]
TITLES = [
    "Active models",
    "Models by health",
    "False positive rate",
    "Orchestrator",
    "Anomalies detected",
    "Anomaly rate against target",
    "Model accuracy",
    "Prediction latency",
    "Latency p50, p95, p99",
    "Devices needing attention",
    "Last run of each task",
]


@pytest.fixture
def fleet(database: Database) -> dict[tuple[str, str], int]:
    """A fleet with twelve hours of activity."""
    ids = add_fleet(database)
    add_activity(database, ids)
    return ids


def test_the_panels_are_those_of_the_design(boards: list[Board]) -> None:
    """The seed's five panels are there, and those that the overview adds; a new one stands behind them."""
    assert [panel["title"] for panel in boards[0]["panels"]][: len(TITLES)] == TITLES


def test_each_query_runs_with_awkward_names_chosen(
    boards: list[Board], fleet: dict[tuple[str, str], int], show: Show, viewer: Viewer
) -> None:
    """Names with quotes and slashes, and several at once, are no trouble."""
    chosen = {"tenant": ("x",), "metric": ("a'b", "temperature"), "site": ("plant/line.1", "O'Brien")}
    for title in TITLES:
        show(title, replace(viewer, chosen=chosen))


def test_variables_list_what_is_there(
    boards: list[Board], fleet: dict[tuple[str, str], int], ask: Callable[..., Answer], viewer: Viewer
) -> None:
    """Sites are listed, and metrics of the chosen sites."""
    queries = {v["name"]: v["query"] for v in boards[0]["templating"]["list"] if v["type"] == "query"}

    assert ask(queries["tenant"])[1] == [("00000000-0000-0000-0000-000000000000",)]
    assert ask(queries["site"])[1] == [("main",)]
    assert ask(queries["metric"])[1] == [("pressure",), ("temperature",)]
    elsewhere = replace(viewer, chosen={"site": ("north",)})
    assert ask(queries["metric"], elsewhere)[1] == []


def test_active_models_are_counted_against_those_expected(
    fleet: dict[tuple[str, str], int], show: Show, viewer: Viewer
) -> None:
    """A series that still collects is not expected; one whose training failed is."""
    assert show("Active models")[1] == [("6 of 7 expected", 6 / 7)]
    one = replace(viewer, chosen={"metric": ("pressure",)})
    assert show("Active models", one)[1] == [("2 of 3 expected", 2 / 3)]


def test_models_are_counted_by_health(fleet: dict[tuple[str, str], int], show: Show) -> None:
    """Each model is counted once, a muted one as muted, and an open circuit as failed."""
    columns, rows = show("Models by health")

    assert dict(zip(columns, rows[0], strict=True)) == {
        "Healthy": 2,
        "Stale": 1,
        "Degraded": 1,
        "Failed": 2,
        "No data": 0,
        "Not checked": 0,
        "Muted": 1,
    }


def test_devices_needing_attention_come_worst_first(fleet: dict[tuple[str, str], int], show: Show) -> None:
    """The failed device first, with its reasons and issue; muted and healthy ones not at all."""
    columns, rows = show("Devices needing attention")
    table = [dict(zip(columns, row, strict=True)) for row in rows]

    assert [(row["Device"], row["Health"]) for row in table] == [
        ("PUMP-3", "failed"),
        ("PUMP-2", "degraded"),
        ("PUMP-1", "stale"),
    ]
    assert table[0]["Metrics"] == "pressure, temperature"
    assert table[0]["Why"] == "pressure: training failed three times; temperature: temperature is broken"
    assert table[0]["Issue"] == "https://example.org/issues/7"
    assert isinstance(table[0]["Since"], datetime)
    assert table[2]["Oldest model"] == pytest.approx(9)


def test_the_gravest_findings_issue_stands_for_a_device_and_its_model(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """Neither an older warning nor an issue of a higher number hides the critical finding's issue."""
    add_warning(database, fleet["PUMP-3", "temperature"], issue_url="https://example.org/issues/9")

    for title in ("Devices needing attention", "Models"):
        columns, rows = show(title)
        issues = {row[columns.index("Issue")] for row in rows if row[columns.index("Device")] == "PUMP-3"}
        assert issues == {"https://example.org/issues/7"}


def test_anomalies_and_rates_come_from_the_rollups(database: Database, show: Show, viewer: Viewer) -> None:
    """Counts add up over the fleet by metric, and the rate stands beside the models' target."""
    add_activity(database, add_fleet(database), anomalies=3)
    columns, rows = show("Anomalies detected")

    assert columns == ["time", "metric", "anomalies"]
    assert {row[1]: row[2] for row in rows} == {"temperature": 9, "pressure": 6}
    columns, rows = show("Anomaly rate against target")
    assert columns == ["time", "anomaly rate", "target"]
    assert rows[0][1:] == (pytest.approx(3 / SCORED), pytest.approx(0.01))
    assert len(show("Anomalies detected", replace(viewer, interval="6h"))[1]) == 2 * 2


def test_the_last_run_and_each_tasks_last_run_are_told(fleet: dict[tuple[str, str], int], show: Show) -> None:
    """The newest finished run gives the heartbeat, and an older failure of a task is not shown."""
    assert show("Orchestrator")[1] == [(300.0, 0)]
    assert [(row[0], row[2]) for row in show("Last run of each task")[1]] == [
        ("ml_retrain", "partial"),
        ("ml_score", "succeeded"),
    ]


def test_runs_after_the_time_range_are_not_seen(fleet: dict[tuple[str, str], int], show: Show, viewer: Viewer) -> None:
    """A dashboard set to an earlier time shows what was known then."""
    earlier = replace(viewer, end=NOW.replace(hour=11))

    assert {row[0] for row in show("Last run of each task", earlier)[1]} == {"ml_retrain", "ml_score"}
    assert show("Orchestrator", earlier)[1] == [(1800.0, 1)]


@pytest.mark.parametrize(
    "buckets", [{0: 60}, {3: 60}, {0: 30, 5: 27, 9: 3}, {2: 59, 13: 1}, {13: 60}, {1: 50, 2: 7, 4: 3}]
)
def test_latency_quantiles_are_those_of_the_domain(database: Database, show: Show, buckets: dict[int, int]) -> None:
    """SQL and Python read the same quantiles out of the same histogram; an open bucket is told as such."""
    add_activity(database, add_fleet(database), buckets=buckets)
    counts = [buckets.get(bucket, 0) for bucket in range(14)]
    expected = []
    for percent in (50, 95, 99):
        bound = latency_quantile_ms(counts, percent / 100)
        is_open = bound == float("inf")
        expected.append((f"p{percent} {'over' if is_open else 'up to'}", 1000.0 if is_open else bound))

    assert show("Latency p50, p95, p99")[1] == expected


def test_the_histogram_holds_every_call(fleet: dict[tuple[str, str], int], show: Show) -> None:
    """Buckets are ascending without a gap, positive for a logarithmic axis, and add up to all calls."""
    rows = show("Prediction latency")[1]

    assert sum(row[2] for row in rows) == 5 * 12 * SCORED
    assert [row[1] for row in rows[:-1]] == [row[0] for row in rows[1:]]
    assert rows[0][0] > 0


def test_no_rate_is_shown_below_the_least_number_of_reviews(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """Nineteen reviews give neither a false positive rate nor an accuracy, and say how many there are."""
    add_verdicts(database, fleet["PUMP-1", "temperature"], "temperature", confirmed=10, false_alarm=9)

    assert show("False positive rate")[1] == [("19 of 20 reviews", None)]
    assert show("Model accuracy")[1] == [
        ("pressure (0 of 20 reviewed alarms)", None),
        ("temperature (19 of 20 reviewed alarms)", None),
    ]


def test_the_false_positive_rate_is_estimated_from_reviewed_alarms(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """F f / (P - F p), with n and an interval around it."""
    add_verdicts(database, fleet["PUMP-1", "temperature"], "temperature", confirmed=15, false_alarm=5)
    predictions, flagged = 5 * 12 * SCORED, 5 * 12
    ((label, rate),) = show("False positive rate")[1]

    assert rate == pytest.approx(flagged * 0.25 / (predictions - flagged * 0.75))
    # Wilson's interval for 5 of 20 is 0.1119 to 0.4687.
    low, high = (100 * flagged * f / (predictions - flagged * (1 - f)) for f in (0.1119, 0.4687))
    assert label == f"n = 20, {low:.2f} to {high:.2f} %"


def test_where_every_alarm_was_reviewed_the_false_alarms_are_counted(database: Database, show: Show) -> None:
    """Twelve alarms, all told: nothing is estimated, so few reviews are enough, and the console says the same."""
    ids = add_fleet(database)
    add_activity(database, {("PUMP-1", "temperature"): ids["PUMP-1", "temperature"]})
    add_verdicts(database, ids["PUMP-1", "temperature"], "temperature", confirmed=9, false_alarm=2, unreviewed=1)
    assert show("False positive rate")[1] == [("11 of 20 reviews", None)]

    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.verdict (detection_id, detection_timestamp, series_id, verdict, given_by, given_at)"
            " SELECT detection_id, \"timestamp\", series_id, 'false_alarm', 'ann', %s FROM grafana.anomaly"
            " WHERE verdict IS NULL",
            (NOW,),
        )
    ((label, rate),) = show("False positive rate")[1]
    counts = VerdictCounts(confirmed=9, false_alarm=3, reviews=12, alarm_squares=12)
    told = estimate_quality(counts, scored=12 * SCORED, flagged=12, min_reviews=20).false_positive_rate

    assert rate == pytest.approx(3 / (12 * SCORED - 12 + 3))
    assert rate == pytest.approx(told.value)
    assert told.low is not None
    assert told.high is not None
    assert label == f"n = 12 (every alarm), {100 * told.low:.2f} to {100 * told.high:.2f} %"


def test_long_episodes_among_short_ones_widen_the_intervals(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """Alarms of one episode are judged alike; precision and false positive rate say what the console says."""
    add_verdicts(database, fleet["PUMP-1", "temperature"], "temperature", confirmed=25, false_alarm=5)
    with database.transaction() as cur:
        cur.execute(
            "UPDATE ml_health.verdict SET episode_id = 1 FROM (SELECT min(id) AS first FROM ml_health.verdict) AS known"
            " WHERE id < first + 10"
        )
    counts = VerdictCounts(confirmed=25, false_alarm=5, reviews=21, alarm_squares=10**2 + 20)
    told = estimate_quality(counts, scored=5 * 12 * SCORED, flagged=5 * 12, min_reviews=20)

    for title, rate, digits in (("Precision", told.precision, 0), ("False positive rate", told.false_positive_rate, 2)):
        assert rate.low is not None
        assert rate.high is not None
        low, high = (f"{100 * bound:.{digits}f}" for bound in (rate.low, rate.high))
        assert show(title)[1] == [(f"n = 21, {low} to {high} %", pytest.approx(rate.value))]


def test_accuracy_weighs_alarms_and_audited_readings_by_their_shares(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """(TP + TN) / all, and blank where too few unflagged readings were reviewed."""
    add_verdicts(
        database, fleet["PUMP-1", "temperature"], "temperature", confirmed=16, false_alarm=4, normal=18, missed=2
    )
    add_verdicts(database, fleet["PUMP-1", "pressure"], "pressure", confirmed=20)
    pressure, temperature = show("Model accuracy")[1]
    predictions, flagged = 3 * 12 * SCORED, 3 * 12

    assert pressure == ("pressure (0 of 20 audited hours)", None)
    assert temperature[0] == "temperature (n = 40)"
    assert temperature[1] == pytest.approx((flagged * 0.8 + (predictions - flagged) * 0.9) / predictions)


def test_the_overview_and_the_console_tell_the_same_rates(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """With an audit, and a quiet reading that somebody looked at unasked: that one enters no rate."""
    add_verdicts(
        database, fleet["PUMP-1", "temperature"], "temperature", confirmed=15, false_alarm=6, normal=15, missed=6
    )
    with database.transaction() as cur:
        cur.execute("DELETE FROM ml_health.audit_sample WHERE hour = (SELECT max(hour) FROM ml_health.audit_sample)")
    counts = VerdictCounts(
        confirmed=15,
        false_alarm=6,
        reviews=21,
        alarm_squares=21,
        normal=14,
        missed=6,
        audit_weight=20,
        normal_weight=14,
        audit_weight_squares=20,
    )
    of_all = estimate_quality(counts, scored=5 * 12 * SCORED, flagged=5 * 12, min_reviews=20)
    of_metric = estimate_quality(counts, scored=3 * 12 * SCORED, flagged=3 * 12, min_reviews=20)
    rate = of_all.false_positive_rate
    assert rate.low is not None
    assert rate.high is not None

    assert show("False positive rate")[1] == [
        (f"n = 21, {100 * rate.low:.2f} to {100 * rate.high:.2f} %", pytest.approx(rate.value))
    ]
    assert show("Model accuracy")[1][1] == ("temperature (n = 41)", pytest.approx(of_metric.accuracy.value))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"confirmed": 19, "normal": 1}, "19 of 20 reviewed alarms"),
        ({"confirmed": 1, "normal": 20}, "1 of 20 reviewed alarms"),
        ({"confirmed": 36, "normal": 19}, "19 of 20 audited hours"),
    ],
)
def test_accuracy_rests_on_enough_reviews_of_either_kind(
    database: Database, fleet: dict[tuple[str, str], int], show: Show, said: dict[str, int], told: str
) -> None:
    """Nineteen reviewed alarms do not make one audited hour speak for thousands of readings."""
    add_verdicts(database, fleet["PUMP-1", "temperature"], "temperature", **said)

    assert show("Model accuracy")[1][1] == (f"temperature ({told})", None)


def test_where_every_alarm_was_reviewed_accuracy_needs_audits_alone(database: Database, show: Show) -> None:
    """Their share is counted then and not estimated, however few they were."""
    ids = add_fleet(database)
    add_activity(database, {("PUMP-1", "temperature"): ids["PUMP-1", "temperature"]})
    add_verdicts(database, ids["PUMP-1", "temperature"], "temperature", confirmed=9, false_alarm=3, normal=20)
    scored = 12 * SCORED

    assert show("Model accuracy")[1] == [("temperature (n = 32)", pytest.approx((9 + scored - 12) / scored))]


def test_only_the_latest_verdict_on_a_reading_counts(
    database: Database, fleet: dict[tuple[str, str], int], show: Show
) -> None:
    """A reviewer who corrects themselves is counted once."""
    add_verdicts(database, fleet["PUMP-1", "temperature"], "temperature", confirmed=20)
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.verdict (detection_id, detection_timestamp, series_id, verdict, given_by, given_at)"
            " SELECT detection_id, detection_timestamp, series_id, 'false_alarm', 'ann', given_at"
            " FROM ml_health.verdict"
        )
    ((label, rate),) = show("False positive rate")[1]

    assert label.startswith("n = 20, ")
    assert rate == pytest.approx(60 / 3600)
