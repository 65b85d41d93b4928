"""The views carry what dashboards build on, and Grafana's login sees them and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from ml_core.adapters.grafana.reader import PostgresReaderAccess
from ml_core.adapters.postgres.database import Database
from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS
from ml_core.sql import load_views
from tests.grafana.dashboard_rules import IN_TIME
from tests.grafana.fleet_rows import NOW, add_activity, add_fleet, add_verdicts


def test_each_file_makes_the_view_of_its_name() -> None:
    """One view a file, so that a file can be found by the view's name."""
    for name, text in load_views().items():
        assert text.count("CREATE VIEW") == 1
        assert f"CREATE VIEW grafana.{name} AS" in text


def test_a_view_is_made_after_those_that_it_reads() -> None:
    """The order follows from the views themselves, whatever their files are called."""
    views = list(load_views())

    assert views.index("verdict") < views.index("anomaly") < views.index("explanation")
    assert views.index("fleet_hourly") < views.index("quality")


def test_a_view_of_what_happened_groups_nothing() -> None:
    """Where a view groups, a filter on its time cannot reach the tables: a panel's query groups instead."""
    grouped = [name for name, text in load_views().items() if IN_TIME.search(f"grafana.{name}") and "GROUP BY" in text]

    assert grouped == []


def test_views_read_no_clock() -> None:
    """Which moment is meant is said by the reader of a view."""
    for text in load_views().values():
        assert "now()" not in text
        assert "current_timestamp" not in text.lower()


def test_every_view_carries_the_tenant(reader: Database) -> None:
    """A site that needs a wall between tenants can filter every view."""
    for name in load_views():
        with reader.transaction() as cur:
            cur.execute(f"SELECT pg_typeof(tenant_id) FROM (SELECT) AS one LEFT JOIN grafana.{name} ON true LIMIT 1")
            assert cur.fetchone() == ("uuid",)


def test_latency_bounds_are_those_of_the_domain(database: Database) -> None:
    """The buckets of SQL and those of Python are the same."""
    add_activity(database, add_fleet(database))
    with database.transaction() as cur:
        cur.execute("SELECT DISTINCT low_ms, high_ms FROM grafana.latency_bucket ORDER BY low_ms")
        found = cur.fetchall()

    assert found == list(zip((0, *LATENCY_BOUNDS_MS), (*LATENCY_BOUNDS_MS, None), strict=True))


def test_an_anomaly_shows_its_current_verdict(database: Database, reader: Database) -> None:
    """A flagged reading carries what was said of it last; an unflagged one is not shown."""
    ids = add_fleet(database)
    add_verdicts(database, ids["PUMP-1", "temperature"], "temperature", confirmed=1, missed=1)
    with reader.transaction() as cur:
        cur.execute('SELECT device, metric, verdict, "timestamp" FROM grafana.anomaly')
        rows = cur.fetchall()

    assert rows == [("PUMP-1", "temperature", "confirmed", NOW - timedelta(hours=2))]


def test_a_time_filter_on_anomalies_reaches_the_partitions(database: Database, reader: Database) -> None:
    """Only the partitions of the asked time are read, whatever else the log holds."""
    with database.transaction() as cur:
        cur.execute(
            "SELECT ml_health.ensure_detection_partitions(%s, %s)",
            (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)),
        )
    with reader.transaction() as cur:
        cur.execute(
            'EXPLAIN SELECT * FROM grafana.anomaly WHERE "timestamp" BETWEEN %s AND %s',
            (datetime(2026, 2, 5, tzinfo=UTC), datetime(2026, 2, 6, tzinfo=UTC)),
        )
        plan = "\n".join(row[0] for row in cur.fetchall())

    assert "anomaly_detections_2026_02" in plan
    assert "anomaly_detections_2025" not in plan


def test_a_time_filter_on_quality_reaches_the_rollups(database: Database, reader: Database) -> None:
    """The sum of two sources still filters each of them by time."""
    with reader.transaction() as cur:
        cur.execute('EXPLAIN SELECT * FROM grafana.quality WHERE "time" BETWEEN %s AND %s', (NOW, NOW))
        plan = "\n".join(row[0] for row in cur.fetchall())

    assert "hour >=" in plan
    assert "detection_timestamp >=" in plan


def test_an_incident_is_of_its_findings_tenant(database: Database, reader: Database) -> None:
    """An incident whose findings are all of one tenant belongs to it."""
    add_fleet(database)
    with reader.transaction() as cur:
        cur.execute("SELECT tenant_id::text, title, issue_number FROM grafana.incident")

        assert cur.fetchall() == [("00000000-0000-0000-0000-000000000000", "damaged", 7)]


@pytest.fixture(scope="module")
def outsider(
    create_database: Callable[[str, str], str], template_database: str, database_names: Iterator[str]
) -> Iterator[Database]:
    """Grafana's login on a database of this module: what is refused leaves nothing, so all refusals share it."""
    name = next(database_names)
    url = create_database(name, template_database)
    login = f"grafana_of_{name}"
    with closing(Database(url)) as owners:
        assert PostgresReaderAccess(owners).create(login, "a-password") is None
        parts = urlsplit(url)
        reader_url = f"postgresql://{login}:a-password@{parts.hostname}:{parts.port}{parts.path}"
        with closing(Database(reader_url)) as opened:
            yield opened
        with owners.transaction() as cur:
            cur.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(login)))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ml_health.series",
        "SELECT * FROM ml_health.verdict",
        "SELECT * FROM public.ml_models",
        "SELECT * FROM public.anomaly_detections",
        "SELECT * FROM ml_health.telemetry",
        "SELECT ml_health.ensure_detection_partitions('2026-01-01', '2026-01-01')",
        "UPDATE grafana.run SET outcome = 'succeeded'",
        "DELETE FROM grafana.run",
        "INSERT INTO ml_health.verdict DEFAULT VALUES",
        "CREATE TABLE grafana.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE VIEW grafana.mine AS SELECT 1",
        "CREATE SCHEMA mine",
        "DROP VIEW grafana.run",
    ],
)
def test_grafanas_login_reads_views_and_nothing_else(outsider: Database, statement: str) -> None:
    """Base tables, writes and creation are refused, even after the session turned off its own read-only mode."""
    refused = pytest.raises(psycopg2.Error, match=r"permission denied|must be owner|cannot update view")
    with refused, outsider.transaction() as cur:
        cur.execute("SET LOCAL transaction_read_only = off")
        cur.execute(statement)
