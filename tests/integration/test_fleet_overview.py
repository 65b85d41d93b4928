"""What `status` tells and what history tells, on a database whose rows are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_core.adapters.ledgers.fleet_overview import PostgresFleetReader
from ml_core.adapters.ledgers.history import PostgresHistory
from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS
from ml_core.domain.series import FIXED_TENANT
from ml_core.entrypoints.cli import call
from ml_core.ports.fleet_overview import FleetOverview
from ml_core.ports.history import PastAnomaly, PastEvent, PastFinding, SeriesTally

NOW = datetime(2025, 6, 15, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OTHER_TENANT = "11111111-1111-1111-1111-111111111111"
Run = Callable[..., str]


class Filled:
    """A database and ways to put rows into it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; what it answers, if anything."""
        with self.database.transaction() as cur:
            cur.execute(query, values)
            return cur.fetchall() if cur.description else []

    def add_series(self, device: str, metric: str, state: str, health: str, *, tenant: Any = FIXED_TENANT,
                   trainable_at: datetime | None = None) -> int:  # fmt: skip
        """A series."""
        return int(
            self.rows(
                "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, state, health, discovered_at,"
                " trainable_at) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
                tenant, device, metric, state, health, NOW - 30 * DAY, trainable_at,
            )[0][0]
        )  # fmt: skip

    def add_model(self, series_id: int, version: int, status: str, *, trained_at: datetime, rate: float = 0.01) -> str:
        """A version."""
        return str(
            self.rows(
                "INSERT INTO public.ml_models (tenant_id, device_id, metric_name, series_id, version, status,"
                " trained_at, target_alarm_rate) SELECT tenant_id, device_id, metric_name, id, %s, %s, %s, %s"
                " FROM ml_health.series WHERE id = %s RETURNING id",
                version, status, trained_at, rate, series_id,
            )[0][0]
        )  # fmt: skip

    def add_hour(self, series_id: int, hour: datetime, *, scored: int, anomalies: int, episodes: int = 0,
                 fast: int = 0, slow: int = 0) -> None:  # fmt: skip
        """An hour of scoring with so many calls in the fastest and the slowest bucket."""
        buckets = [fast, *[0] * (len(LATENCY_BOUNDS_MS) - 1), slow]
        self.rows(
            "INSERT INTO ml_health.activity_hourly (series_id, hour, scored, anomalies, episodes, late, dropped,"
            " out_of_range, calls, latency_ms_sum, latency_buckets)"
            " VALUES (%s, %s, %s, %s, %s, 0, 0, 0, %s, 1.0, %s)",
            series_id, hour, scored, anomalies, episodes, fast + slow, buckets,
        )  # fmt: skip

    def add_finding(self, check: str, series_id: int | None, severity: str, *, opened_at: datetime,
                    resolved_at: datetime | None = None, incident_id: int | None = None) -> None:  # fmt: skip
        """A finding whose message is that of its check."""
        self.rows(
            "INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, opened_at, seen_at,"
            " resolved_at, incident_id) VALUES (%s, %s, 1, %s, %s, %s, %s, %s, %s)",
            check, series_id, severity, f"{check} is wrong", opened_at, opened_at, resolved_at, incident_id,
        )  # fmt: skip

    def add_incident(self, name: str, *, resolved_at: datetime | None = None, url: str | None = None) -> int:
        """An incident."""
        return int(
            self.rows(
                "INSERT INTO ml_health.incident (fingerprint, sequence, check_name, scope, severity, title, opened_at,"
                " updated_at, resolved_at, issue_url) VALUES (%s, 1, 'drift', 's', 'warning', 't', %s, %s, %s, %s)"
                " RETURNING id",
                name, NOW, NOW, resolved_at, url,
            )[0][0]
        )  # fmt: skip

    def read(self, now: datetime = NOW) -> FleetOverview:
        """The overview."""
        return PostgresFleetReader(self.database).read(now=now)


@pytest.fixture
def filled(database: Database) -> Filled:
    """An empty fleet."""
    return Filled(database)


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line and answers its stdout."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)

    def run_command(*arguments: str) -> str:
        assert call(arguments) == 0
        return capsys.readouterr().out

    return run_command


def test_series_are_counted_by_state_health_and_device(filled: Filled) -> None:
    """Health is told of modelled series only; devices of two tenants are two even with one name."""
    filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    filled.add_series("PUMP-1", "pressure", "modelled", "degraded")
    filled.add_series("PUMP-2", "flow", "modelled", "healthy")
    filled.add_series("PUMP-2", "flow", "unmodellable", "unknown", tenant=OTHER_TENANT)
    filled.add_series("PUMP-3", "flow", "collecting", "unknown", trainable_at=NOW + 2 * DAY)
    filled.add_series("PUMP-4", "flow", "collecting", "unknown", trainable_at=NOW + DAY)

    seen = filled.read()

    assert seen.series_by_state == {"modelled": 3, "unmodellable": 1, "collecting": 2}
    assert seen.series_by_health == {"healthy": 2, "degraded": 1}
    assert seen.devices == 5
    assert seen.next_trainable_at == NOW + DAY


def test_the_oldest_model_in_use_is_told_not_those_that_retired(filled: Filled) -> None:
    """Age is that of active versions."""
    for number, days in enumerate((3, 5)):
        series_id = filled.add_series(f"PUMP-{number}", "flow", "modelled", "healthy")
        filled.add_model(series_id, 1, "retired", trained_at=NOW - 20 * DAY)
        filled.add_model(series_id, 2, "active", trained_at=NOW - days * DAY)

    assert filled.read().oldest_active_trained_at == NOW - 5 * DAY


def test_scoring_of_the_last_day_is_summed_with_what_the_targets_expect(filled: Filled) -> None:
    """Hours before or after the day are left out; each model's own target counts."""
    one = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    other = filled.add_series("PUMP-2", "flow", "modelled", "healthy")
    filled.add_model(one, 1, "retired", trained_at=NOW - 9 * DAY, rate=0.9)
    filled.add_model(one, 2, "active", trained_at=NOW - 2 * DAY, rate=0.01)
    filled.add_model(other, 1, "active", trained_at=NOW - 2 * DAY, rate=0.001)
    this_hour = NOW.replace(minute=0)
    filled.add_hour(one, this_hour - 25 * HOUR, scored=1000, anomalies=100, fast=50)
    filled.add_hour(one, this_hour - 23 * HOUR, scored=300, anomalies=4, fast=3)
    filled.add_hour(one, this_hour, scored=100, anomalies=1, fast=1)
    filled.add_hour(other, this_hour, scored=2000, anomalies=0, slow=1)
    filled.add_hour(other, this_hour + HOUR, scored=7, anomalies=7, fast=7)

    seen = filled.read()

    assert (seen.readings_scored, seen.anomalies) == (2400, 5)
    assert seen.expected_alarms == pytest.approx(400 * 0.01 + 2000 * 0.001)
    assert seen.latency_buckets == (4, *[0] * (len(LATENCY_BOUNDS_MS) - 1), 1)


def test_findings_incidents_outbox_and_runs_are_those_that_stand_open(filled: Filled) -> None:
    """Resolved ones, sent ones and older runs are left out; the gravest and then the oldest stand first."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "degraded")
    filled.add_finding("drift", series_id, "warning", opened_at=NOW - 3 * DAY)
    filled.add_finding("age", series_id, "warning", opened_at=NOW - 2 * DAY)
    filled.add_finding("artifact", series_id, "critical", opened_at=NOW - DAY)
    filled.add_finding("lag", series_id, "critical", opened_at=NOW - 4 * DAY, resolved_at=NOW)
    filled.add_finding("store_size", None, "critical", opened_at=NOW)
    incident_id = filled.add_incident("a")
    filled.add_incident("b", resolved_at=NOW)
    for action, status in (("open", "sent"), ("comment", "pending"), ("update", "parked"), ("close", "parked")):
        filled.rows(
            "INSERT INTO ml_health.outbox (incident_id, action, payload, status, not_before, created_at)"
            " VALUES (%s, %s, '{}', %s, %s, %s)",
            incident_id, action, status, NOW, NOW,
        )  # fmt: skip
    for task, hours, outcome in (("ml_score", 2, "failed"), ("ml_score", 1, "succeeded"), ("ml_purge", 6, "partial")):
        filled.rows(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at) VALUES (%s, %s, %s, 'me', %s)",
            task, NOW - hours * HOUR, outcome, NOW,
        )  # fmt: skip

    seen = filled.read()

    assert seen.findings_by_severity == {"critical": 2, "warning": 2}
    assert seen.top_findings == (
        "PUMP-1:flow artifact: artifact is wrong",
        "store_size: store_size is wrong",
        "PUMP-1:flow drift: drift is wrong",
    )
    assert seen.open_incidents == 1
    assert seen.outbox_by_status == {"pending": 1, "parked": 2}
    assert seen.latest_runs == {
        "ml_score": (NOW - HOUR, "succeeded"),
        "ml_purge": (NOW - 6 * HOUR, "partial"),
    }


def test_open_episodes_and_the_newest_watermark_are_told(filled: Filled) -> None:
    """Closed episodes are past."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    model_id = filled.add_model(series_id, 1, "active", trained_at=NOW - DAY)
    filled.rows(
        "INSERT INTO ml_health.detector_state (series_id, model_id, scored_from, watermark, updated_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        series_id, model_id, NOW - DAY, NOW - HOUR, NOW,
    )  # fmt: skip
    for opened, closed in ((3, 2), (1, None)):
        filled.rows(
            "INSERT INTO ml_health.episode (series_id, opened_at, last_alarm_at, closed_at, alarms, peak_score,"
            " peak_value, peak_at) VALUES (%s, %s, %s, %s, 1, -1, 9, %s)",
            series_id, NOW - opened * HOUR, NOW - opened * HOUR, closed and NOW - closed * HOUR, NOW,
        )  # fmt: skip

    seen = filled.read()

    assert (seen.open_episodes, seen.newest_watermark) == (1, NOW - HOUR)


def test_hours_without_a_call_have_no_latency(filled: Filled, run: Run) -> None:
    """Where readings were scored in calls that belong to another hour, status says that there is no data."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    filled.add_hour(series_id, NOW.replace(minute=0), scored=5, anomalies=0)

    assert filled.read().latency_buckets is None
    assert latency_line(run("status", "--now", NOW.isoformat())) == "no data"


def test_status_tells_calls_above_the_last_bound_as_over_it(filled: Filled, run: Run) -> None:
    """Infinity is no figure for people."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    filled.add_hour(series_id, NOW.replace(minute=0), scored=5, anomalies=0, fast=9, slow=1)

    assert latency_line(run("status", "--now", NOW.isoformat())) == (
        "a scoring call took at most 0.1 ms (p50), over 1000 ms (p95), over 1000 ms (p99)"
    )


def latency_line(printed: str) -> str:
    """What `status` says of latency."""
    (line,) = [line for line in printed.splitlines() if line.startswith("Latency")]
    return line.removeprefix("Latency").strip()


def test_a_muted_series_is_shown_and_its_findings_are_quiet_until_it_is_heard_again(filled: Filled, run: Run) -> None:
    """Mute, look, unmute, look."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "degraded")
    filled.add_finding("drift", series_id, "warning", opened_at=NOW - DAY)
    status = ("status", "--now", NOW.isoformat())

    until = (NOW + DAY).isoformat()
    told = run("mute", "PUMP-1:flow", "--until", until, "--now", NOW.isoformat(), "--reason", "maintenance")
    muted, muted_json = run(*status), json.loads(run(*status, "--json"))
    later = json.loads(run("status", "--json", "--now", (NOW + 2 * DAY).isoformat()))
    run("mute", "PUMP-1:flow", "--off")
    heard, heard_json = run(*status), json.loads(run(*status, "--json"))

    assert told == "PUMP-1:flow is quiet until 2025-06-16 10:30Z\n"
    assert "1 degraded; 1 muted" in muted
    assert "none open" in muted
    assert (muted_json["muted"], muted_json["findings_by_severity"]) == (1, {})
    assert (later["muted"], later["findings_by_severity"]) == (0, {"warning": 1})
    assert "muted" not in heard
    assert "PUMP-1:flow drift: drift is wrong" in heard
    assert (heard_json["muted"], heard_json["findings_by_severity"]) == (0, {"warning": 1})
    assert filled.rows("SELECT muted_until FROM ml_health.series") == [(None,)]


def test_status_for_machines_holds_what_was_put_in(filled: Filled, run: Run) -> None:
    """Figures of the JSON object are those of the tables."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    filled.add_model(series_id, 1, "active", trained_at=NOW - DAY)
    filled.add_hour(series_id, NOW.replace(minute=0), scored=60, anomalies=2, fast=1)

    told = json.loads(run("status", "--json", "--now", NOW.isoformat()))

    assert (told["devices"], told["readings_scored"], told["anomalies"]) == (1, 60, 2)
    assert told["oldest_active_trained_at"] == (NOW - DAY).isoformat()


# History


def test_history_tells_events_with_version_and_cause_in_order(filled: Filled) -> None:
    """Those after the first moment, up to and with the second."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    model_id = filled.add_model(series_id, 4, "active", trained_at=NOW)
    for hours, event, model in ((2, "failed", None), (1, "promoted", model_id), (0, "pinned", model_id)):
        filled.rows(
            "INSERT INTO ml_health.model_event (happened_at, series_id, model_id, event, cause, reason)"
            " VALUES (%s, %s, %s, %s, 'age', 'so it is')",
            NOW - hours * HOUR, series_id, model, event,
        )  # fmt: skip

    told = PostgresHistory(filled.database).list_events(after=NOW - 2 * HOUR, until=NOW - HOUR)
    all_told = PostgresHistory(filled.database).list_events(after=NOW - DAY, until=NOW)

    promoted = PastEvent(
        series="PUMP-1:flow",
        version=4,
        event="promoted",
        happened_at=NOW - HOUR,
        cause="age",
        reason="so it is",
    )
    assert told == [promoted]
    assert [(event.event, event.version) for event in all_told] == [("failed", None), ("promoted", 4), ("pinned", 4)]


def test_history_tells_findings_also_mended_ones_with_their_issue(filled: Filled) -> None:
    """A finding of the fleet has no series."""
    series_id = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    incident_id = filled.add_incident("a", url="https://example.org/7")
    filled.add_finding("drift", series_id, "warning", opened_at=NOW - HOUR, resolved_at=NOW, incident_id=incident_id)
    filled.add_finding("heartbeat", None, "critical", opened_at=NOW)
    filled.add_finding("age", series_id, "warning", opened_at=NOW - DAY)

    told = PostgresHistory(filled.database).list_findings(after=NOW - 2 * HOUR, until=NOW)

    assert told == [
        PastFinding(
            series="PUMP-1:flow", check="drift", severity="warning", message="drift is wrong",
            opened_at=NOW - HOUR, resolved_at=NOW, issue_url="https://example.org/7",
        ),
        PastFinding(
            series=None, check="heartbeat", severity="critical", message="heartbeat is wrong",
            opened_at=NOW, resolved_at=None, issue_url=None,
        ),
    ]  # fmt: skip


def test_history_tallies_every_series_also_one_without_a_model_or_scores(filled: Filled) -> None:
    """Sums are those of the hours asked for."""
    one = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    filled.add_series("PUMP-2", "flow", "collecting", "unknown")
    filled.add_model(one, 1, "retired", trained_at=NOW - 9 * DAY)
    filled.add_model(one, 2, "active", trained_at=NOW - 2 * DAY)
    for hours in (1, 2, 30):
        filled.add_hour(one, NOW - hours * HOUR, scored=10 * hours, anomalies=hours, episodes=1)

    told = PostgresHistory(filled.database).tally_series(after=NOW - DAY, until=NOW)

    assert told == [
        SeriesTally(
            series="PUMP-1:flow", state="modelled", health="healthy", version=2, scored=30, anomalies=3, episodes=2
        ),
        SeriesTally(
            series="PUMP-2:flow", state="collecting", health="unknown", version=None, scored=0, anomalies=0, episodes=0
        ),
    ]


def test_history_tells_flagged_readings_with_the_version_that_flagged_them(filled: Filled) -> None:
    """Normal readings and those of other series are left out."""
    one = filled.add_series("PUMP-1", "flow", "modelled", "healthy")
    other = filled.add_series("PUMP-2", "flow", "modelled", "healthy")
    model_id = filled.add_model(one, 3, "active", trained_at=NOW - DAY)
    filled.rows("SELECT ml_health.ensure_detection_partitions(%s, %s)", NOW - DAY, NOW)
    for series_id, hours, flag, model in ((one, 3, True, model_id), (one, 2, False, model_id), (one, 1, True, None),
                                          (other, 1, True, None), (one, 20, True, None)):  # fmt: skip
        filled.rows(
            "INSERT INTO public.anomaly_detections (device_id, metric_name, series_id, model_id, value, is_anomaly,"
            " timestamp) VALUES ('d', 'm', %s, %s, %s, %s, %s)",
            series_id, model, float(hours), flag, NOW - hours * HOUR,
        )  # fmt: skip

    told = PostgresHistory(filled.database).list_anomalies(one, after=NOW - 10 * HOUR, until=NOW)

    assert told == [
        PastAnomaly(happened_at=NOW - 3 * HOUR, value=3.0, version=3),
        PastAnomaly(happened_at=NOW - HOUR, value=1.0, version=None),
    ]
