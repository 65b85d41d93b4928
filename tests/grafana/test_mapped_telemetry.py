"""A site whose readings lie in a relation of its own sees them on the dashboard of its devices."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg2
import pytest
from psycopg2 import sql

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome, TaskResult
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, GrafanaSettings, Settings, TelemetrySettings
from tests.grafana.conftest import Answer
from tests.grafana.fleet_rows import NOW, add_fleet
from tests.grafana.macro_expander import Viewer

PANEL = "Readings and expected band"
TENANT, OTHER = "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000009"
PLAIN = TelemetrySettings(
    relation="plant.Readings",
    device_column="asset",
    metric_column="key",
    value_column="100% value",
    timestamp_column="at",
)
WITH_TENANT = replace(PLAIN, tenant_column="customer")
Open = Callable[[TelemetrySettings], Platform]


@pytest.fixture
def readings(database: Database) -> None:
    """The platform's own relation in another schema: awkward names, text for numbers, times without a zone."""
    add_fleet(database)
    with database.transaction() as cur:
        cur.execute(
            'CREATE SCHEMA plant; CREATE TABLE plant."Readings" (customer text, asset varchar(40), key text,'
            ' "100% value" numeric, at timestamp)'
        )
        rows = [
            (TENANT, "PUMP-1", "temperature", "20.5", NOW.replace(hour=10, tzinfo=None)),
            (TENANT, "PUMP-1", "temperature", "21.5", NOW.replace(hour=11, tzinfo=None)),
            (TENANT, "PUMP-1", "pressure", "7", NOW.replace(hour=11, tzinfo=None)),
        ]
        more = [(OTHER, "PUMP-1", "temperature", "99", rows[0][-1]), ("nobody", *rows[0][1:])]
        cur.executemany('INSERT INTO plant."Readings" VALUES (%s, %s, %s, %s, %s)', rows + more)


@pytest.fixture
def open_site(tmp_path: Path, database_url: str, reader_name: str) -> Iterator[Open]:
    """A function that opens the site with its readings mapped so, as the owner of the schema."""
    opened: list[Platform] = []

    def open_mapped(telemetry: TelemetrySettings) -> Platform:
        settings = Settings(
            home=tmp_path,
            database=DatabaseSettings(url=database_url),
            grafana=GrafanaSettings(reader_user=reader_name),
            telemetry=telemetry,
        )
        opened.append(Platform(settings))
        return opened[-1]

    yield open_mapped
    for platform in opened:
        platform.close()


def _run(platform: Platform, hour: int = 5) -> TaskResult:
    now = datetime(2026, 3, 10, hour, tzinfo=UTC)
    return run_task(platform, "ml_grafana", now=now, slot=now)


def _draw(show: Callable[..., Answer], viewer: Viewer) -> list[float | None]:
    chosen = {"device_tenant": (str(UUID(int=0)),), "device": ("PUMP-1",), "metric": ("temperature",)}
    columns, rows = show(PANEL, replace(viewer, chosen=chosen))
    assert columns[:2] == ["time", "reading"]
    return [row[1] for row in rows]


@pytest.mark.usefixtures("readings")
def test_readings_of_a_site_without_tenants_are_drawn(
    open_site: Open, reader: Database, show: Callable[..., Answer], viewer: Viewer
) -> None:
    """The task makes the view read the mapped relation, and Grafana's login still reads nothing but the view."""
    platform = open_site(PLAIN)
    outdated = platform.views.list_outdated()
    assert _draw(show, viewer) == []
    first, second = _run(platform, 5), _run(platform, 6)

    assert outdated == ["telemetry"]
    assert [result.counts["views_refreshed"] for result in (first, second)] == [1, 0]
    assert [finding["check"] for finding in second.findings] == ["grafana_reader"]
    # Without a column of tenants every row is of the one tenant: two others were measured at the same time.
    assert _draw(show, viewer) == [(20.5 + 99 + 20.5) / 3, 21.5]
    with pytest.raises(psycopg2.Error, match="permission denied"), reader.transaction() as cur:
        cur.execute('SELECT * FROM plant."Readings"')


@pytest.mark.usefixtures("readings")
def test_each_tenant_is_drawn_its_own_readings(open_site: Open, show: Callable[..., Answer], viewer: Viewer) -> None:
    """Where the relation has tenants, another's readings and those of none stay away."""
    _run(open_site(WITH_TENANT))

    assert _draw(show, viewer) == [20.5, 21.5]


@pytest.mark.usefixtures("readings")
def test_migrating_makes_the_mapped_view(open_site: Open, show: Callable[..., Answer], viewer: Viewer) -> None:
    """`ml-health db migrate` with the site's settings is enough; without a mapping the own table is read again."""
    mapped = open_site(WITH_TENANT)
    mapped.migrator.apply()

    assert mapped.views.list_outdated() == []
    assert _draw(show, viewer) == [20.5, 21.5]
    own = open_site(TelemetrySettings())
    assert own.views.list_outdated() == ["telemetry"]
    own.migrator.apply()
    assert _draw(show, viewer) == []


@pytest.mark.usefixtures("readings")
def test_a_uuid_tenant_and_its_key_serve(
    database: Database, open_site: Open, reader: Database, show: Callable[..., Answer], viewer: Viewer
) -> None:
    """A relation keyed like ours is read by its key, though its names are its own."""
    with database.transaction() as cur:
        cur.execute(
            "CREATE TABLE plant.keyed (customer uuid, asset varchar(40), key varchar(40), v real, at timestamptz,"
            " PRIMARY KEY (customer, asset, key, at));"
            "INSERT INTO plant.keyed SELECT %s, 'PUMP-1', 'temperature', v, at"
            " FROM unnest(ARRAY['NaN', 3]::real[], %s) AS row (v, at)",
            (TENANT, [NOW.replace(hour=10), NOW.replace(hour=11)]),
        )
    open_site(replace(WITH_TENANT, relation="plant.keyed", value_column="v")).migrator.apply()
    with reader.transaction() as cur:
        cur.execute("SET LOCAL enable_seqscan = off")
        cur.execute(
            "EXPLAIN SELECT * FROM grafana.telemetry WHERE tenant_id = %s AND device = 'PUMP-1'"
            " AND metric = 'temperature' AND \"timestamp\" BETWEEN %s AND %s",
            (TENANT, NOW.replace(hour=0), NOW),
        )
        plan = "\n".join(row[0] for row in cur.fetchall())

    assert all(name in plan.split("Index Cond", 1)[1] for name in ("customer", "asset", "key", "at >="))
    assert _draw(show, viewer) == [None, 3.0]


@pytest.mark.parametrize(
    ("telemetry", "told"),
    [
        (replace(PLAIN, relation="plant.nowhere"), "telemetry.relation names 'plant.nowhere'"),
        (replace(PLAIN, relation="nowhere.readings"), "telemetry.relation names 'nowhere.readings'"),
        (replace(PLAIN, relation="a.b.c"), "telemetry.relation 'a.b.c' is not of the form"),
        (replace(PLAIN, metric_column="tag"), "telemetry.metric_column names 'tag'"),
        (replace(PLAIN, timestamp_column="key"), "telemetry.timestamp_column is of type text"),
        (replace(PLAIN, tenant_column="tenant"), "telemetry.tenant_column names 'tenant'"),
    ],
)
@pytest.mark.usefixtures("readings", "reader")
def test_a_wrong_mapping_is_named_and_stops_no_other_view(
    database: Database, open_site: Open, telemetry: TelemetrySettings, told: str
) -> None:
    """The setting is told by name; every other view is made, and the dashboards go on without readings."""
    with database.transaction() as cur:
        cur.execute("DROP VIEW grafana.run, grafana.telemetry")
    platform = open_site(telemetry)
    result = _run(platform)
    found = {finding["check"]: finding["message"] for finding in result.findings}

    assert result.outcome is Outcome.PARTIAL
    assert told in found["grafana_telemetry"]
    assert "grafana_views" not in found
    assert result.counts["views_refreshed"] == 2
    assert platform.views.list_outdated() == []
    with database.transaction() as cur:
        cur.execute("SELECT count(*) FROM grafana.telemetry")
        assert cur.fetchone() == (0,)


@pytest.mark.usefixtures("readings")
def test_an_owner_without_rights_is_told_what_to_grant(database: Database, open_site: Open, reader_name: str) -> None:
    """The view reads with its owner's rights: who lacks them is named with the GRANT, and given it all goes well."""
    name = f"owner_{reader_name}"
    owner = sql.Identifier(name)
    platform = open_site(PLAIN)
    with database.transaction() as cur:
        cur.execute(sql.SQL("CREATE ROLE {0}; ALTER VIEW grafana.telemetry OWNER TO {0}").format(owner))
    before = platform.views.find_telemetry_problem()
    with database.transaction() as cur:
        cur.execute(sql.SQL('GRANT SELECT (asset, key, "100% value", at) ON plant."Readings" TO {}').format(owner))
    after = platform.views.find_telemetry_problem()
    with database.transaction() as cur:
        cur.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(owner))

    assert before is not None
    assert f"telemetry.relation 'plant.Readings' may not be read by {name}" in before
    assert f'GRANT SELECT ON "plant"."Readings" TO {name}' in before
    assert after is None


@pytest.mark.usefixtures("readings")
def test_a_schema_that_may_not_be_seen_is_told(
    database: Database, database_url: str, tmp_path: Path, reader_name: str
) -> None:
    """A login without USAGE on the schema of the readings gets the setting's name, not the server's words alone."""
    name = f"writer_{reader_name}"
    role = sql.Identifier(name)
    with database.transaction() as cur:
        cur.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'w' IN ROLE ml_health_writer").format(role))
    parts = urlsplit(database_url)
    url = f"postgresql://{name}:w@{parts.hostname}:{parts.port}{parts.path}"
    settings = Settings(home=tmp_path, database=DatabaseSettings(url=url), telemetry=PLAIN)
    with closing(Platform(settings)) as platform:
        problem = platform.views.find_telemetry_problem()
    with database.transaction() as cur:
        cur.execute(sql.SQL("DROP ROLE {}").format(role))

    assert problem is not None
    assert problem.startswith("telemetry.relation 'plant.Readings'")
