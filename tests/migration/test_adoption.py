"""Databases that the platform made are adopted: no row lost, its defects gone, its programs still at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2.extras import Json

from ml_core.adapters.ledgers.model_registry import PostgresModelRegistry
from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.postgres.schema_resources import load_packaged_resources
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.series import FIXED_TENANT
from ml_core.errors import SchemaVersionError
from tests.migration.platform_site import ONE, TWO, PlatformSite

NAIVE = datetime(2025, 6, 10, 8, 30)
"""As the platform writes moments: UTC, without saying so."""
MOMENT = NAIVE.replace(tzinfo=UTC)
# A process that adopts slowly, so that it can be killed in the middle of it.
SLOW = """
import sys
from dataclasses import replace
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.schema_resources import load_packaged_resources
packaged = load_packaged_resources()
first, adopting, *rest = packaged.migrations
slow = [first, replace(adopting, sql=adopting.sql + "; SELECT pg_sleep(60)"), *rest]
Migrator(Database(sys.argv[1]), replace(packaged, migrations=slow)).apply()
"""


@pytest.fixture(params=[(), (ONE, TWO)], ids=["without tenants", "with tenants"])
def site(request: pytest.FixtureRequest, empty_database: Database) -> PlatformSite:
    """The platform's database, without rows yet."""
    made = PlatformSite(empty_database, tenants=request.param)
    made.make_tables()
    return made


@pytest.fixture
def plain_site(empty_database: Database) -> PlatformSite:
    """The platform's database of an older site, without tenants and without rows."""
    made = PlatformSite(empty_database)
    made.make_tables()
    return made


def adopt(site: PlatformSite) -> None:
    """What `ml-health db migrate` does."""
    Migrator(site.database).apply()


def test_every_row_is_kept_with_its_id_and_its_time_in_utc(site: PlatformSite) -> None:
    """What the platform wrote reads as before, and its moments now say that they are UTC."""
    model = site.add_model(trained_at=NAIVE, created_at=NAIVE, updated_at=NAIVE, accuracy=0.93, training_samples=1000)
    detection = site.add_detection(model, NAIVE, metadata=Json({"by": "platform"}))
    columns = "id, device_id, metric_name, model_type, model_path, accuracy, training_samples, contamination"
    logged = (
        "id, model_id, device_id, metric_name, value, anomaly_score, is_anomaly, confidence, metadata, telemetry_id"
    )
    before = site.execute(f"SELECT {columns} FROM ml_models"), site.execute(f"SELECT {logged} FROM anomaly_detections")

    adopt(site)

    assert before[0] == site.execute(f"SELECT {columns} FROM ml_models")
    assert before[1] == site.execute(f"SELECT {logged} FROM anomaly_detections")
    assert site.execute("SELECT id, trained_at, created_at, updated_at FROM ml_models") == [
        (model, MOMENT, MOMENT, MOMENT)
    ]
    assert site.execute('SELECT id, "timestamp" FROM anomaly_detections') == [(detection, MOMENT)]


def test_moments_are_utc_whatever_zone_the_server_is_set_to(plain_site: PlatformSite) -> None:
    """A site's own time zone does not shift what was UTC all along, nor the bound of the adopted part."""
    plain_site.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', current_database()); END $$"
    )
    last = datetime(2025, 6, 30, 23, 59)
    detection = plain_site.add_detection(None, last)
    plain_site.database.close()

    adopt(plain_site)

    assert plain_site.execute('SELECT id, "timestamp" FROM anomaly_detections') == [
        (detection, last.replace(tzinfo=UTC))
    ]
    next_month = plain_site.add_detection(None, datetime(2025, 7, 1, tzinfo=UTC))
    assert plain_site.part_of(next_month) == "anomaly_detections_default"


def test_adopted_models_are_retired_and_numbered_by_series(site: PlatformSite) -> None:
    """Their pickles are never opened: none is active; each says what the platform called it, in order of training."""
    newer = site.add_model(trained_at=NAIVE, status="active")
    older = site.add_model(trained_at=NAIVE - timedelta(days=9), status="inactive")
    other = site.add_model("PUMP-2", trained_at=NAIVE)

    adopt(site)

    told = site.execute(
        "SELECT id, version, status, adopted, outcome_reason FROM ml_models ORDER BY device_id, version"
    )
    assert told == [
        (older, 1, "retired", True, "adopted from the platform with status inactive"),
        (newer, 2, "retired", True, "adopted from the platform with status active"),
        (other, 1, "retired", True, "adopted from the platform with status active"),
    ]
    series = PostgresSeriesRegistry(site.database).list_series()
    assert [(str(record.key), record.adopted, record.state.value) for record in series] == [
        ("PUMP-1:flow", True, "collecting"),
        ("PUMP-2:flow", True, "collecting"),
    ]
    versions = PostgresModelRegistry(site.database).list_versions(series_ids=[series[0].series_id])
    assert [version.status for version in versions] == [ModelStatus.RETIRED, ModelStatus.RETIRED]


def test_series_carry_their_tenant(empty_database: Database) -> None:
    """Two tenants with a device of one name are two series; a site without tenants has the fixed one."""
    site = PlatformSite(empty_database, tenants=(ONE, TWO))
    site.make_tables()
    first = site.add_model(tenant=ONE, status="active")
    second = site.add_model(tenant=TWO, status="inactive")

    adopt(site)

    assert [record.key.tenant for record in PostgresSeriesRegistry(site.database).list_series()] == [ONE, TWO]
    told = site.execute("SELECT id, tenant_id, version FROM ml_models ORDER BY tenant_id")
    assert told == [(first, ONE, 1), (second, TWO, 1)]


def test_a_site_without_tenants_has_the_fixed_one(plain_site: PlatformSite) -> None:
    """Old rows and the platform's new ones are of the tenant that nobody sees."""
    plain_site.add_detection(plain_site.add_model(), NAIVE)

    adopt(plain_site)
    plain_site.add_detection(plain_site.add_model(), datetime.now(UTC))

    for table in ("ml_models", "anomaly_detections", "ml_health.series"):
        assert plain_site.execute(f"SELECT DISTINCT tenant_id FROM {table}") == [(FIXED_TENANT,)]


def test_a_third_training_of_a_series_works(site: PlatformSite) -> None:
    """The platform's UNIQUE (device, metric, status) let a series have one inactive model; now it has any number."""
    site.add_model(status="active")
    site.add_model(status="inactive")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        site.add_model(status="inactive")

    adopt(site)
    site.add_model(status="inactive")
    site.add_model(status="inactive")

    assert site.execute("SELECT version FROM ml_models ORDER BY version") == [(1,), (2,), (3,), (4,)]


def test_a_model_with_detections_cannot_be_deleted(site: PlatformSite) -> None:
    """The platform's CASCADE erased the log of a deleted model; now the log stands in the way."""
    model = site.add_model()
    site.add_detection(model, NAIVE)
    lonely = site.add_model("PUMP-2")

    adopt(site)

    with pytest.raises(psycopg2.errors.IntegrityError):
        site.execute("DELETE FROM ml_models WHERE id = %(id)s", {"id": model})
    site.execute("DELETE FROM ml_models WHERE id = %(id)s", {"id": lonely})
    assert site.execute("SELECT count(*) FROM anomaly_detections") == [(1,)]


@pytest.mark.parametrize("table", ["ml_models", "anomaly_detections"])
def test_a_tenant_with_models_or_detections_cannot_be_deleted(table: str, empty_database: Database) -> None:
    """Old rows and new ones, whichever partition they are in: a tenant's end does not erase them."""
    site = PlatformSite(empty_database, tenants=(ONE, TWO))
    site.make_tables()
    if table == "anomaly_detections":
        site.add_detection(None, NAIVE, tenant=ONE)
    else:
        site.add_model(tenant=ONE)
    adopt(site)
    site.add_detection(None, datetime(2025, 9, 1, tzinfo=UTC), tenant=TWO)

    for tenant in (ONE, TWO):
        with pytest.raises(psycopg2.errors.IntegrityError):
            site.execute("DELETE FROM tenants WHERE id = %(id)s", {"id": tenant})
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        site.add_detection(None, datetime(2025, 9, 1, tzinfo=UTC), tenant=FIXED_TENANT)


def test_the_old_log_is_the_first_partition_and_new_months_join_on(site: PlatformSite) -> None:
    """Old rows stay where they are; partitions asked for across the bound begin where the old part ends."""
    old = site.add_detection(None, NAIVE)

    adopt(site)
    made = site.execute(
        "SELECT ml_health.ensure_detection_partitions(%(a)s, %(b)s)",
        {"a": MOMENT - timedelta(days=60), "b": MOMENT + timedelta(days=60)},
    )
    late = site.add_detection(None, MOMENT - timedelta(days=50))
    new = site.add_detection(None, datetime(2025, 7, 1, tzinfo=UTC))

    assert made == [(2,)]
    assert site.partitions() == [
        "anomaly_detections_2025_07", "anomaly_detections_2025_08", "anomaly_detections_adopted",
        "anomaly_detections_default",
    ]  # fmt: skip
    parts = [site.part_of(detection) for detection in (old, late, new)]
    assert parts == ["anomaly_detections_adopted", "anomaly_detections_adopted", "anomaly_detections_2025_07"]


def test_partitions_are_made_once_however_often_they_are_asked_for(plain_site: PlatformSite) -> None:
    """The same months again are no error and no work; years of them at once are refused."""
    adopt(plain_site)
    ask = "SELECT ml_health.ensure_detection_partitions(%(a)s, %(b)s)"
    span = {"a": MOMENT, "b": MOMENT + timedelta(days=31)}

    assert plain_site.execute(ask, span) == [(2,)]
    assert plain_site.execute(ask, span) == [(0,)]
    with pytest.raises(psycopg2.errors.RaiseException, match="at most 100 years"):
        plain_site.execute(ask, {"a": MOMENT, "b": MOMENT + timedelta(days=40_000)})
    with pytest.raises(psycopg2.errors.RaiseException, match="in order"):
        plain_site.execute(ask, {"a": MOMENT, "b": MOMENT - timedelta(days=1)})


def test_two_ask_for_one_partition_at_once(plain_site: PlatformSite) -> None:
    """One makes it, the other waits and finds it made."""
    adopt(plain_site)
    ask = "SELECT ml_health.ensure_detection_partitions(%(at)s, %(at)s)"
    made: list[int] = []

    def make() -> None:
        made.append(plain_site.execute(ask, {"at": MOMENT})[0][0])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == [0, 0, 0, 1]


def test_the_platforms_rows_of_a_month_without_a_partition_are_sorted_in_later(site: PlatformSite) -> None:
    """Nobody made a partition for them: they are kept, and moved when any month is made."""
    adopt(site)
    detections = [site.add_detection(None, datetime(2025, month, 15, tzinfo=UTC)) for month in (9, 10)]
    waiting = [site.part_of(detection) for detection in detections]

    made = site.execute("SELECT ml_health.ensure_detection_partitions(%(at)s, %(at)s)", {"at": MOMENT})

    assert waiting == ["anomaly_detections_default"] * 2
    assert made == [(3,)]
    assert [site.part_of(detection) for detection in detections] == [
        "anomaly_detections_2025_09",
        "anomaly_detections_2025_10",
    ]


def test_the_platform_goes_on_writing_in_its_own_way(site: PlatformSite) -> None:
    """Its INSERTs know none of our columns: models are kept as retired versions of their series, detections logged."""
    site.add_detection(site.add_model(status="active"), NAIVE)
    adopt(site)
    (record,) = PostgresSeriesRegistry(site.database).list_series()

    model = site.add_model(status="active", trained_at=MOMENT)
    stranger = site.add_model("NEVER-SEEN", status="active")
    detection = site.add_detection(model, datetime.now(UTC))
    undated = site.execute(
        "INSERT INTO anomaly_detections (model_id, device_id, metric_name, value, anomaly_score, is_anomaly"
        + (", tenant_id) " if site.tenants else ") ")
        + "VALUES (%(model)s, 'PUMP-1', 'flow', 1, -0.1, true"
        + (", %(tenant)s)" if site.tenants else ")")
        + 'RETURNING id, "timestamp"',
        {"model": model, "tenant": ONE},
    )

    told = site.execute(
        "SELECT id, series_id, version, status, adopted FROM ml_models WHERE id = ANY(%(ids)s) ORDER BY series_id",
        {"ids": [model, stranger]},
    )
    assert told == [(model, record.series_id, 2, "retired", True), (stranger, None, 1, "retired", True)]
    assert site.execute("SELECT model_id FROM anomaly_detections WHERE id = %(id)s", {"id": detection}) == [(model,)]
    assert abs(undated[0][1] - datetime.now(UTC)) < timedelta(minutes=1)


def test_only_expired_partitions_are_dropped(plain_site: PlatformSite) -> None:
    """The adopted part goes when it is old enough; young ones, strangers and the part by default are refused."""
    plain_site.add_detection(None, NAIVE)
    plain_site.execute("CREATE TABLE precious (x int)")
    adopt(plain_site)
    now = datetime.now(UTC)
    plain_site.execute("SELECT ml_health.ensure_detection_partitions(%(at)s, %(at)s)", {"at": now})
    young = f"anomaly_detections_{now:%Y_%m}"
    drop = "SELECT ml_health.drop_detection_partition(%(name)s, %(before)s)"

    expired = plain_site.execute("SELECT name, until FROM ml_health.expired_detection_partitions(%(at)s)", {"at": now})
    for name in (
        young,
        "anomaly_detections_default",
        "anomaly_detections",
        "precious",
        "ml_models",
        "x; DROP TABLE precious",
    ):
        with pytest.raises(psycopg2.errors.RaiseException, match="is no expired partition"):
            plain_site.execute(drop, {"name": name, "before": now + timedelta(days=10_000)})
    with pytest.raises(psycopg2.errors.RaiseException, match="is no expired partition"):
        plain_site.execute(drop, {"name": "anomaly_detections_adopted", "before": MOMENT})
    plain_site.execute(drop, {"name": "anomaly_detections_adopted", "before": now})

    assert expired == [("anomaly_detections_adopted", datetime(2025, 7, 1, tzinfo=UTC))]
    assert plain_site.partitions() == [young, "anomaly_detections_default"]


def test_what_has_no_number_or_no_time_is_kept(site: PlatformSite) -> None:
    """NaN stays NaN, infinity stays; a row without a usable time goes to 1970 and says so."""
    site.add_detection(None, NAIVE, value=float("nan"), anomaly_score=float("-inf"))
    site.add_detection(None, None, metadata=Json({"kept": 1}))
    site.execute("UPDATE anomaly_detections SET confidence = NULL")

    adopt(site)

    values = site.execute('SELECT value::text, anomaly_score::text FROM anomaly_detections ORDER BY "timestamp" DESC')
    assert values[0] == ("NaN", "-Infinity")
    undated = site.execute('SELECT "timestamp", metadata FROM anomaly_detections ORDER BY "timestamp" LIMIT 1')
    assert undated == [(datetime(1970, 1, 1, tzinfo=UTC), {"kept": 1, "adopted": "the time was not recorded"})]


def test_a_clock_that_runs_ahead_does_not_stretch_the_old_part(plain_site: PlatformSite) -> None:
    """A row of the year 2099 is kept apart, so that the months to come get partitions of their own."""
    plain_site.add_detection(None, NAIVE)
    ahead = plain_site.add_detection(None, datetime(2099, 1, 5))

    adopt(plain_site)
    plain_site.execute(
        "SELECT ml_health.ensure_detection_partitions(%(at)s, %(at)s)", {"at": MOMENT + timedelta(days=30)}
    )

    assert plain_site.part_of(ahead) == "anomaly_detections_2099_01"
    assert "anomaly_detections_2025_07" in plain_site.partitions()


def test_empty_tables_are_adopted(site: PlatformSite) -> None:
    """A platform that was only just installed leaves no adopted part behind."""
    adopt(site)

    assert site.partitions() == ["anomaly_detections_default"]
    assert PostgresSeriesRegistry(site.database).list_series() == []


@pytest.mark.parametrize("name", ['PUMP "A"', "back\\slash", "tab\tbed", "../up", " "])
def test_names_that_are_refused_keep_their_rows_but_become_no_series(name: str, plain_site: PlatformSite) -> None:
    """Nothing will ever be trained for them; what the platform wrote of them stays."""
    model = plain_site.add_model(name, status="active")
    second = plain_site.add_model(name, status="inactive")
    plain_site.add_detection(model, NAIVE, name)

    adopt(plain_site)

    assert PostgresSeriesRegistry(plain_site.database).list_series() == []
    told = plain_site.execute("SELECT id, device_id, version, status FROM ml_models")
    assert {row[0] for row in told} == {model, second}
    assert {row[1:] for row in told} == {(name, 1, "retired"), (name, 2, "retired")}
    assert plain_site.execute("SELECT device_id FROM anomaly_detections") == [(name,)]


def test_names_of_other_alphabets_and_topics_become_series(plain_site: PlatformSite) -> None:
    """MQTT topics, dots, quotes of one kind and any script are names."""
    names = ["plant/line.1", "bomba-ñ", "it's", "温度計", "a:b"]
    for name in names:
        plain_site.add_model(name)

    adopt(plain_site)

    assert {record.key.device for record in PostgresSeriesRegistry(plain_site.database).list_series()} == set(names)


def test_extra_columns_and_indexes_of_the_platform_stay(plain_site: PlatformSite) -> None:
    """What a site has added to the tables is there for old rows and new ones, in every partition."""
    plain_site.execute(
        "ALTER TABLE ml_models ADD owner text; ALTER TABLE anomaly_detections ADD shift text DEFAULT 'night'"
    )
    plain_site.execute("ALTER TABLE anomaly_detections ADD CONSTRAINT known_shift CHECK (shift IN ('day', 'night'))")
    plain_site.execute("CREATE INDEX by_shift ON anomaly_detections (shift)")
    plain_site.add_detection(plain_site.add_model(owner="ann"), NAIVE, shift="day")

    adopt(plain_site)
    plain_site.add_detection(None, datetime(2025, 9, 1, tzinfo=UTC))

    assert plain_site.execute("SELECT owner FROM ml_models") == [("ann",)]
    assert plain_site.execute('SELECT shift FROM anomaly_detections ORDER BY "timestamp"') == [("day",), ("night",)]
    with pytest.raises(psycopg2.errors.CheckViolation):
        plain_site.add_detection(None, datetime(2025, 9, 1, tzinfo=UTC), shift="noon")
    indexed = plain_site.execute("SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%(shift)' ORDER BY 1")
    assert [name for (name,) in indexed] == [
        "anomaly_detections",
        "anomaly_detections_adopted",
        "anomaly_detections_default",
    ]


def test_unique_indexes_and_lists_of_states_go_like_the_constraint(plain_site: PlatformSite) -> None:
    """The same defect written in another way is removed too; other checks stay."""
    plain_site.execute(
        "CREATE UNIQUE INDEX one_each ON ml_models (device_id, metric_name);"
        "CREATE UNIQUE INDEX odd ON ml_models (model_path);"
        "ALTER TABLE ml_models ADD CONSTRAINT known CHECK (status IN ('active', 'inactive'));"
        "ALTER TABLE ml_models ADD CONSTRAINT share CHECK (accuracy <= 1);"
        "ALTER TABLE anomaly_detections ADD CONSTRAINT once UNIQUE (device_id, telemetry_id)"
    )
    plain_site.add_model(status="inactive")

    adopt(plain_site)
    plain_site.add_model(model_path="/elsewhere")

    with pytest.raises(psycopg2.errors.CheckViolation):
        plain_site.add_model(model_path="/third", accuracy=1.5)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        plain_site.add_model(model_path="/elsewhere")


def test_the_platforms_trigger_on_models_does_not_touch_what_is_carried_over(plain_site: PlatformSite) -> None:
    """A trigger that sets updated_at sleeps while we adopt, and works again afterwards."""
    plain_site.execute(
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;"
        "CREATE TRIGGER touching BEFORE UPDATE ON ml_models FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    plain_site.add_model(updated_at=NAIVE)

    adopt(plain_site)

    assert plain_site.execute("SELECT updated_at FROM ml_models") == [(MOMENT,)]
    plain_site.execute("UPDATE ml_models SET accuracy = 0.5")
    assert plain_site.execute("SELECT updated_at > now() - interval '1 hour' FROM ml_models") == [(True,)]


@pytest.mark.parametrize(
    ("obstacle", "told"),
    [
        ("CREATE VIEW recent AS SELECT * FROM anomaly_detections", "view recent reads anomaly_detections"),
        ("CREATE VIEW newest AS SELECT max(trained_at) FROM ml_models", "view newest reads ml_models"),
        (
            "CREATE MATERIALIZED VIEW daily AS SELECT count(*) FROM anomaly_detections",
            "view daily reads anomaly_detections",
        ),
        (
            "CREATE TABLE notes (of uuid CONSTRAINT told REFERENCES anomaly_detections (id))",
            "foreign key told of notes refers to anomaly_detections",
        ),
        (
            "CREATE TRIGGER alert AFTER INSERT ON anomaly_detections FOR EACH ROW EXECUTE FUNCTION "
            "suppress_redundant_updates_trigger()",
            "trigger alert is on anomaly_detections",
        ),
        ("ALTER TABLE anomaly_detections ENABLE ROW LEVEL SECURITY", "anomaly_detections has row security"),
        ("CREATE TABLE child () INHERITS (ml_models)", "ml_models is no plain table"),
        ("ALTER TABLE ml_models ADD site text NOT NULL", "column ml_models.site takes no NULL and has no default"),
    ],
)
def test_what_stands_in_the_way_is_named_and_nothing_is_done(
    obstacle: str, told: str, plain_site: PlatformSite
) -> None:
    """One error says what to take away and how; the platform's tables are as before, and afterwards it works."""
    if "AFTER INSERT" in obstacle:
        obstacle = obstacle.replace("AFTER INSERT", "BEFORE UPDATE")
    plain_site.execute(obstacle)
    columns = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1, ordinal_position"
    )
    before = plain_site.execute(columns)

    with pytest.raises(SchemaVersionError, match=rf"0002_adopt failed .*{told}.*Save the definition"):
        adopt(plain_site)

    assert before == plain_site.execute(columns)
    assert plain_site.execute("SELECT max(version) FROM ml_health.schema_version") == [(1,)]


def test_every_obstacle_is_named_at_once_and_adoption_works_without_them(plain_site: PlatformSite) -> None:
    """Nobody has to find them one by one; views that stand in nobody's way may stay."""
    plain_site.add_detection(plain_site.add_model(), NAIVE)
    plain_site.execute(
        "CREATE VIEW recent AS SELECT * FROM anomaly_detections;"
        "CREATE VIEW newest AS SELECT max(trained_at) FROM ml_models;"
        "CREATE VIEW devices AS SELECT DISTINCT device_id FROM ml_models"
    )

    with pytest.raises(SchemaVersionError, match="view newest reads ml_models; view recent reads anomaly_detections"):
        adopt(plain_site)
    plain_site.execute("DROP VIEW recent, newest")
    adopt(plain_site)

    assert plain_site.execute("TABLE devices") == [("PUMP-1",)]


def test_the_owner_and_the_rights_of_the_log_stay(plain_site: PlatformSite) -> None:
    """A dashboard login that could read the log still can, as the log itself is a new table now."""
    plain_site.execute(
        "GRANT SELECT, INSERT ON anomaly_detections TO pg_monitor; GRANT SELECT ON anomaly_detections TO PUBLIC;"
        "ALTER TABLE anomaly_detections OWNER TO pg_signal_backend"
    )
    plain_site.add_detection(None, NAIVE)

    adopt(plain_site)

    told = plain_site.execute(
        "SELECT has_table_privilege('pg_monitor', 'anomaly_detections', 'INSERT'),"
        " has_table_privilege('pg_monitor', 'anomaly_detections', 'DELETE'),"
        " has_table_privilege('pg_read_all_stats', 'anomaly_detections', 'SELECT'),"
        " (SELECT relowner::regrole::text FROM pg_class WHERE oid = 'anomaly_detections'::regclass)"
    )
    assert told == [(True, False, True, "pg_signal_backend")]


def test_two_adoptions_at_once_are_one(site: PlatformSite) -> None:
    """Two hosts are upgraded in the same minute: one adopts, the other finds it done."""
    site.add_detection(site.add_model(), NAIVE)
    applied: list[int] = []
    threads = [threading.Thread(target=lambda: applied.append(len(Migrator(site.database).apply()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(applied) == [0, load_packaged_resources().version]
    assert site.execute("SELECT version FROM ml_models") == [(1,)]
    assert site.execute("SELECT count(*) FROM anomaly_detections") == [(1,)]


def wait_for(question: Callable[[], list[tuple[int]]]) -> int:
    """The first answer, within half a minute."""
    deadline = time.monotonic() + 30
    while not (found := question()):
        assert time.monotonic() < deadline
    return found[0][0]


def test_an_adoption_killed_half_way_leaves_the_platforms_tables(site: PlatformSite, empty_database_url: str) -> None:
    """kill -9 when all is done but the commit: the platform's tables are untouched, the next call adopts them."""
    model = site.add_model(trained_at=NAIVE)
    site.add_detection(model, NAIVE)
    with subprocess.Popen([sys.executable, "-c", SLOW, empty_database_url]) as child:
        sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        session = wait_for(lambda: site.execute(sleeping))
        os.kill(child.pid, signal.SIGKILL)
    # The server itself notices the dead client only when it next writes to it.
    site.execute("SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": session})

    assert site.execute("SELECT status, trained_at FROM ml_models") == [("active", NAIVE)]
    assert site.execute("SELECT relkind FROM pg_class WHERE relname = 'anomaly_detections'") == [("r",)]
    adopt(site)
    assert site.execute("SELECT id, status, trained_at FROM ml_models") == [(model, "retired", MOMENT)]
