"""Least privilege: each role can do its work, and nothing that is not its work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.postgres.schema_resources import load_packaged_resources
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from ml_core.errors import SchemaVersionError
from tests.migration.platform_site import PlatformSite
from tests.migration.site_logins import LoginMaker, make_telemetry, site_settings, work_a_week

TENANTS = (UUID(int=1), UUID(int=2))


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement as the login of this URL."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cur:
        cur.execute(statement)
        return cur.fetchall() if cur.description else []


@pytest.fixture
def writer_url(database_url: str, create_login: LoginMaker) -> str:
    """A login that is a member of ml_health_writer and of nothing else."""
    return create_login(database_url, "ml_health_writer")


@pytest.fixture
def reader_url(database_url: str, create_login: LoginMaker) -> str:
    """A login that is a member of ml_health_reader and of nothing else."""
    return create_login(database_url, "ml_health_reader")


@pytest.fixture
def writer_platform(database: Database, writer_url: str, tmp_path: Path) -> Iterator[Platform]:
    """A site with telemetry whose tasks run as the writer, who may read that telemetry."""
    make_telemetry(database, TENANTS)
    with database.transaction() as cur:
        cur.execute("GRANT SELECT ON public.telemetry TO ml_health_writer")
    with closing(Platform(site_settings(writer_url, tmp_path))) as platform:
        yield platform


def test_the_writer_does_all_the_work_of_the_tasks(writer_platform: Platform, database: Database) -> None:
    """Discover, train, score, check, retrain, escalate, archive and purge need no more than the writer's rights."""
    results = work_a_week(writer_platform)

    assert {task: result.reason for task, result in results.items() if result.outcome is Outcome.FAILED} == {}
    outcomes = {task: result.outcome for task, result in results.items() if task != "ml_grafana"}
    assert outcomes == dict.fromkeys(outcomes, Outcome.SUCCEEDED)
    assert results["ml_discover"].counts["trained"] == 2
    assert results["ml_score"].counts["anomalies"] >= 2
    assert results["ml_retrain"].counts["promoted"] == 2
    assert results["ml_purge"].counts["partitions"] == 1
    assert results["ml_purge"].counts["archived_rows"] >= 2
    told = {finding["check"]: finding["message"] for finding in results["ml_grafana"].findings}
    assert set(told) == {"grafana_views", "grafana_reader"}
    assert "missing or old (telemetry): run `ml-health db migrate`" in told["grafana_views"]
    assert "an administrator runs" in told["grafana_reader"]
    with database.transaction() as cur:
        cur.execute("SELECT count(*) FROM public.anomaly_detections")
        assert cur.fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE ml_health.run",
        "TRUNCATE ml_health.run_item",
        "CREATE TABLE ml_health.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE VIEW grafana.mine AS SELECT 1",
        "CREATE OR REPLACE VIEW grafana.run AS SELECT 1 AS x",
        "ALTER TABLE public.ml_models ADD mine int",
        "ALTER TABLE public.anomaly_detections DETACH PARTITION public.anomaly_detections_default",
        "DROP TABLE public.anomaly_detections_default",
        "SELECT * FROM public.anomaly_detections_default",
        "DELETE FROM public.ml_models",
        "DELETE FROM public.anomaly_detections",
        "UPDATE ml_health.verdict SET verdict = 'normal'",
        "DELETE FROM ml_health.verdict",
        "UPDATE ml_health.model_event SET reason = ''",
        "DELETE FROM ml_health.model_event",
        "UPDATE ml_health.schema_version SET version = 99",
        "INSERT INTO ml_health.schema_version VALUES (99, 'x', now())",
        "SELECT ml_health.adopt_model()",
        "CREATE ROLE mine",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_writer_can_do_no_more_than_that(statement: str, writer_url: str) -> None:
    """It makes, changes and drops nothing, deletes no model or detection, and rewrites no history."""
    with pytest.raises((InsufficientPrivilege, psycopg2.errors.FeatureNotSupported), match=r"permission|owner|trigger"):
        execute(writer_url, statement)


def test_the_writer_drops_only_expired_partitions(writer_url: str) -> None:
    """The owner's right is lent for that alone, whatever name or time is given."""
    execute(writer_url, "SELECT ml_health.ensure_detection_partitions(now(), now())")
    young = execute(writer_url, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")[0][0]

    for name in (f"anomaly_detections_{young}", "anomaly_detections_default", "ml_models", "pg_class"):
        with pytest.raises(psycopg2.errors.RaiseException, match="is no expired partition"):
            execute(writer_url, f"SELECT ml_health.drop_detection_partition('{name}', now() + interval '9 years')")


def test_the_lent_right_cannot_be_led_astray(writer_url: str) -> None:
    """Temporary tables and a search path of the caller's do not come between the function and the catalogue."""
    decoy = (
        "CREATE TEMP VIEW pg_inherits AS SELECT 'public.anomaly_detections'::regclass::oid AS inhparent,"
        " 'public.ml_models'::regclass::oid AS inhrelid;"
        " SET search_path = pg_temp, public, pg_catalog;"
    )

    with pytest.raises(psycopg2.errors.RaiseException, match="is no expired partition"):
        execute(writer_url, decoy + "SELECT ml_health.drop_detection_partition('ml_models', now())")


def test_the_reader_reads_every_view(reader_url: str) -> None:
    """Grafana's login sees all of schema grafana."""
    views = execute(reader_url, "SELECT viewname FROM pg_views WHERE schemaname = 'grafana'")

    assert len(views) > 5
    for (view,) in views:
        execute(reader_url, f"SELECT * FROM grafana.{view} LIMIT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ml_health.series",
        "SELECT * FROM ml_health.outbox",
        "SELECT * FROM public.ml_models",
        "SELECT * FROM public.anomaly_detections",
        "SELECT ml_health.ensure_detection_partitions(now(), now())",
        "SELECT ml_health.drop_detection_partition('x', now())",
        "SELECT * FROM ml_health.expired_detection_partitions(now())",
        "CREATE TABLE grafana.mine (x int)",
        "DROP VIEW grafana.run",
        "UPDATE grafana.run SET task = 'x'",
    ],
)
def test_the_reader_sees_and_does_nothing_else(statement: str, reader_url: str) -> None:
    """Not a table, not a function, not a change."""
    with pytest.raises(
        (InsufficientPrivilege, psycopg2.errors.ObjectNotInPrerequisiteState), match=r"permission|owner|update view"
    ):
        execute(reader_url, statement)


def test_a_stranger_has_no_way_in(database_url: str, create_login: LoginMaker) -> None:
    """A login without any of the roles runs no function of ours, even if it may look into the schema."""
    stranger = create_login(database_url)
    execute(database_url, "GRANT USAGE ON SCHEMA ml_health TO PUBLIC")

    for function in ("ensure_detection_partitions(now(), now())", "expired_detection_partitions(now())"):
        with pytest.raises(InsufficientPrivilege, match="permission denied for function"):
            execute(stranger, f"SELECT ml_health.{function}")


@pytest.fixture
def platform_user_url(empty_database_url: str, create_login: LoginMaker, administer: Callable[..., None]) -> str:
    """The platform's user: owner of its database, and no administrator of the server."""
    url = create_login(empty_database_url)
    name, database = url.split("//")[1].split(":")[0], url.rsplit("/", 1)[1]
    administer(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), sql.Identifier(name)))
    return url


def test_the_platforms_user_migrates_and_works(platform_user_url: str, tmp_path: Path) -> None:
    """A site with one user for everything: it adopts its tables, runs the tasks, and its programs go on."""
    with closing(Database(platform_user_url)) as database:
        site = PlatformSite(database, tenants=TENANTS)
        site.make_tables()
        site.add_detection(site.add_model(), None)
        make_telemetry(database, TENANTS)
        Migrator(database).apply()
    with closing(Platform(site_settings(platform_user_url, tmp_path))) as platform:
        results = work_a_week(platform)
        site.add_model()

    assert {task: result.reason for task, result in results.items() if result.outcome is Outcome.FAILED} == {}
    outcomes = {task: result.outcome for task, result in results.items() if task != "ml_grafana"}
    assert outcomes == dict.fromkeys(outcomes, Outcome.SUCCEEDED)
    assert results["ml_retrain"].counts["promoted"] == 2


def test_roles_that_cannot_be_made_are_told(platform_user_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without the right to create roles the schema is migrated, and a warning says what an administrator runs."""
    packaged = load_packaged_resources()
    foreign = replace(packaged, roles=packaged.roles.replace("ml_health_", "no_such_"))

    with closing(Database(platform_user_url)) as database, caplog.at_level(logging.WARNING):
        Migrator(database, foreign).apply()
        Migrator(database).require_current()

    told = [record.message for record in caplog.records]
    assert len(told) == 3
    assert "an administrator runs CREATE ROLE no_such_writer NOLOGIN" in told[1]


def test_nothing_is_said_where_all_is_well(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Migrating again with the roles in place gives no warning."""
    with caplog.at_level(logging.WARNING):
        Migrator(database).apply()

    assert caplog.records == []


def test_a_user_that_may_not_create_a_schema_is_told(empty_database_url: str, create_login: LoginMaker) -> None:
    """One line names the database, the lack and the way out, instead of a driver's traceback."""
    words = r"no schema ml_health.*as the owner of the database"
    with (
        closing(Database(create_login(empty_database_url))) as database,
        pytest.raises(SchemaVersionError, match=words),
    ):
        Migrator(database).apply()


def test_a_migration_by_the_administrator_leaves_the_platforms_user_at_work(
    empty_database: Database, platform_user_url: str
) -> None:
    """Tables stay with their owner, so its programs read and write them as before."""
    with closing(Database(platform_user_url)) as own:
        site = PlatformSite(own)
        site.make_tables()
        model = site.add_model()
        site.add_detection(model, None)

        Migrator(empty_database).apply()

        site.add_detection(site.add_model("PUMP-2"), None, timestamp="2025-09-01")
        told = site.execute("SELECT count(*) FROM anomaly_detections JOIN ml_models AS model ON model.id = model_id")
    assert told == [(2,)]
