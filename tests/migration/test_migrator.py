from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from ml_core.adapters.embedded.binaries import PostgresBinaries
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.postgres.schema_resources import Migration, SchemaResources, load_packaged_resources
from ml_core.errors import ConfigurationError, ConflictError, SchemaVersionError
from ml_core.sql import read_sql

FIRST = Migration(version=1, name="first", sql="CREATE TABLE ml_health.a (x int)")
SECOND = Migration(version=2, name="second", sql="CREATE TABLE ml_health.b (x int)")
SMALL = SchemaResources(migrations=[FIRST, SECOND])
# A process that migrates slowly, so that it can be killed half-way.
SLOW = """
import sys
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.schema_resources import Migration, SchemaResources
slow = "CREATE TABLE ml_health.b (x int); SELECT pg_sleep(60)"
resources = SchemaResources(migrations=[
    Migration(version=1, name="first", sql="CREATE TABLE ml_health.a (x int)"),
    Migration(version=2, name="second", sql=slow),
])
Migrator(Database(sys.argv[1]), resources).apply()
"""


def list_relations(database: Database) -> list[str]:
    """Our tables and views, by schema and name."""
    with database.transaction() as cur:
        cur.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_schema IN ('ml_health', 'grafana') ORDER BY 1"
        )
        return [name for (name,) in cur.fetchall()]


def test_a_new_database_is_carried_to_todays_version(empty_database: Database) -> None:
    """From nothing to the newest, each step once; a second call finds nothing to do."""
    migrator = Migrator(empty_database, SMALL)

    assert migrator.current_version() == 0
    assert migrator.pending() == [FIRST, SECOND]
    assert migrator.apply() == [FIRST, SECOND]
    assert migrator.current_version() == 2
    assert migrator.pending() == []
    assert migrator.apply() == []
    assert list_relations(empty_database) == ["ml_health.a", "ml_health.b", "ml_health.schema_version"]


def test_an_older_database_gets_only_what_it_lacks(empty_database: Database) -> None:
    """An upgrade applies the new steps and leaves the rows of the old ones."""
    Migrator(empty_database, SchemaResources(migrations=[FIRST])).apply()
    with empty_database.transaction() as cur:
        cur.execute("INSERT INTO ml_health.a VALUES (1)")
    applied = Migrator(empty_database, SMALL).apply()
    with empty_database.transaction() as cur:
        cur.execute("SELECT version, name FROM ml_health.schema_version ORDER BY version")
        recorded = cur.fetchall()
        cur.execute("SELECT x FROM ml_health.a")
        kept = cur.fetchall()

    assert applied == [SECOND]
    assert recorded == [(1, "first"), (2, "second")]
    assert kept == [(1,)]


@pytest.mark.parametrize("method", [Migrator.pending, Migrator.apply, Migrator.require_current])
def test_a_newer_schema_is_refused_naming_both_versions(
    method: Callable[[Migrator], object], empty_database: Database
) -> None:
    """Old code leaves a newer database alone and says which versions met."""
    Migrator(empty_database, SMALL).apply()
    older = Migrator(empty_database, SchemaResources(migrations=[FIRST]))

    with pytest.raises(SchemaVersionError, match=r"schema version 2, this code knows 1"):
        method(older)


def test_an_older_schema_is_refused_until_it_is_migrated(empty_database: Database) -> None:
    """A start on an old schema names both versions and the command that mends it."""
    Migrator(empty_database, SchemaResources(migrations=[FIRST])).apply()
    migrator = Migrator(empty_database, SMALL)

    with pytest.raises(SchemaVersionError, match=r"version 1, this code needs 2: run `ml-health db migrate`"):
        migrator.require_current()
    migrator.apply()
    migrator.require_current()


def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database: Database) -> None:
    """What came before stays, the failed step is named and undone, and a mended one goes on from there."""
    broken = replace(SECOND, sql=SECOND.sql + "; SELECT 1 / 0")
    with pytest.raises(SchemaVersionError, match=r"version 1, .* needs 2: migration 0002_second .*zero"):
        Migrator(empty_database, SchemaResources(migrations=[FIRST, broken])).apply()

    assert list_relations(empty_database) == ["ml_health.a", "ml_health.schema_version"]
    assert Migrator(empty_database, SMALL).apply() == [SECOND]


def test_a_migration_killed_half_way_is_all_or_nothing(empty_database: Database, empty_database_url: str) -> None:
    """kill -9 in mid-migration: the step before is whole, the killed one is absent, the next run ends it."""
    with subprocess.Popen([sys.executable, "-c", SLOW, empty_database_url]) as child:
        sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)' AND datname = %s"
        deadline = time.monotonic() + 30
        found = None
        while found is None:
            assert time.monotonic() < deadline
            with empty_database.transaction() as cur:
                cur.execute(sleeping, (empty_database.address.rsplit("/", 1)[1],))
                found = cur.fetchone()
        os.kill(child.pid, signal.SIGKILL)
    with empty_database.transaction() as cur:
        # The server itself notices the dead client only when it next writes to it.
        cur.execute("SELECT pg_terminate_backend(%s, 5000)", found)

    assert Migrator(empty_database, SMALL).current_version() == 1
    assert list_relations(empty_database) == ["ml_health.a", "ml_health.schema_version"]
    assert Migrator(empty_database, SMALL).apply() == [SECOND]


def test_migrators_at_once_apply_each_migration_once(empty_database: Database) -> None:
    """Four migrators race for one database: one does the work, the others wait and find it done."""
    slow = SchemaResources(migrations=[replace(FIRST, sql=FIRST.sql + "; SELECT pg_sleep(0.2)"), SECOND])
    applied: list[list[Migration]] = []
    threads = [
        threading.Thread(target=lambda: applied.append(Migrator(empty_database, slow).apply())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(len, applied)) == [0, 0, 0, 2]
    assert Migrator(empty_database, SMALL).current_version() == 2


def test_a_turn_that_does_not_come_is_told(empty_database: Database) -> None:
    """A migrator that hangs elsewhere ends in an error, not in endless waiting."""
    with empty_database.dedicated_connection() as session, session.cursor() as cur:
        cur.execute("SELECT pg_advisory_lock(hashtextextended('ml_health.migrator', 0))")
        with pytest.raises(ConflictError, match="another session holds the lock"):
            Migrator(empty_database, SMALL, turn_timeout_s=0.1).apply()


def test_a_migration_behind_a_reader_gives_way(empty_database: Database, empty_database_url: str) -> None:
    """A long reader is not queued behind: the migration ends at its lock timeout and can be repeated."""
    Migrator(empty_database, SchemaResources(migrations=[FIRST])).apply()
    altering = SchemaResources(migrations=[FIRST, replace(SECOND, sql="ALTER TABLE ml_health.a ADD y int")])
    migrator = Migrator(empty_database, altering, lock_timeout_s=0.1)
    with closing(psycopg2.connect(empty_database_url)) as reader:
        with reader.cursor() as cur:
            cur.execute("SELECT * FROM ml_health.a")
        with pytest.raises(ConflictError, match="another session holds the lock"):
            migrator.apply()

    assert migrator.current_version() == 1
    assert len(migrator.apply()) == 1


def test_views_are_those_of_this_version(empty_database: Database) -> None:
    """Views are made anew: changed ones are changed, dropped ones are gone, in whatever order they read."""
    old = ["CREATE VIEW grafana.base AS SELECT 1 AS x", "CREATE VIEW grafana.upper AS SELECT x FROM grafana.base"]
    new = ["CREATE VIEW grafana.base AS SELECT 'text' AS x, 2 AS y"]
    Migrator(empty_database, replace(SMALL, views=old)).apply()
    before = list_relations(empty_database)
    Migrator(empty_database, replace(SMALL, views=new)).apply()
    with empty_database.transaction() as cur:
        cur.execute("SELECT * FROM grafana.base")
        row = cur.fetchone()

    assert {"grafana.base", "grafana.upper"} <= set(before)
    assert "grafana.upper" not in list_relations(empty_database)
    assert row == ("text", 2)


def test_a_view_that_fails_leaves_the_old_views(empty_database: Database) -> None:
    """Readers never see a half-made set of views."""
    good = "CREATE VIEW grafana.base AS SELECT 1 AS x"
    Migrator(empty_database, replace(SMALL, views=[good])).apply()
    with pytest.raises(psycopg2.errors.UndefinedTable):
        Migrator(empty_database, replace(SMALL, views=["CREATE VIEW grafana.new AS TABLE nowhere"])).apply()

    assert "grafana.base" in list_relations(empty_database)


def test_roles_are_applied_after_the_views(empty_database: Database) -> None:
    """Rights on views are given each time, as a view made anew has none."""
    resources = replace(
        SMALL,
        views=["CREATE VIEW grafana.base AS SELECT 1 AS x"],
        roles="GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO PUBLIC",
    )
    for _ in range(2):
        Migrator(empty_database, resources).apply()
    with empty_database.transaction() as cur:
        cur.execute("SELECT has_table_privilege('pg_monitor', 'grafana.base', 'SELECT')")

        assert cur.fetchone() == (True,)


@pytest.mark.parametrize("versions", [[2], [1, 1], [1, 3]])
def test_migrations_with_gaps_or_twins_are_refused(versions: list[int]) -> None:
    """Two branches that took the same number are told before any database is touched."""
    with pytest.raises(ConfigurationError, match="1, 2, 3"):
        SchemaResources(migrations=[replace(FIRST, version=version) for version in versions])


def test_the_packaged_migrations_can_be_applied_twice(database: Database) -> None:
    """A migrated database is current, and applying again does nothing to the tables."""
    migrator = Migrator(database)

    assert migrator.apply() == []
    assert migrator.current_version() == load_packaged_resources().version


def dump_schema(binaries: PostgresBinaries, url: str) -> list[str]:
    """What pg_dump tells of a database's structure, without its per-run marks."""
    command = [binaries.program("pg_dump"), "--schema-only", "--dbname", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if line and not re.match(r"--|\\(un)?restrict ", line)]


@pytest.fixture
def schema_database_url(empty_database_url: str) -> str:
    """A database made from schema.sql instead of the migrations, with the same views and roles."""
    with closing(Database(empty_database_url)) as made:
        with made.transaction() as cur:
            cur.execute(read_sql("schema.sql"))
        Migrator(made, replace(load_packaged_resources(), migrations=[])).apply()
    return empty_database_url


def test_the_schema_file_is_what_the_migrations_make(
    database_url: str, schema_database_url: str, postgres_binaries: PostgresBinaries
) -> None:
    """schema.sql, which people read, and the migrations, which databases walk, end in the same structure."""
    migrated = dump_schema(postgres_binaries, database_url)

    assert dump_schema(postgres_binaries, schema_database_url) == migrated
