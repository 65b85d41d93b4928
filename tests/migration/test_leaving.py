"""What the operations guide promises of backup, restore and uninstall."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from ml_core.adapters.embedded.binaries import PostgresBinaries
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task
from tests.migration.platform_site import ONE, TWO, PlatformSite
from tests.migration.site_logins import START, make_telemetry, site_settings, work_a_week

TENANTS = (ONE, TWO)


@pytest.fixture
def site(empty_database: Database) -> PlatformSite:
    """An adopted database with rows of the platform's and of ours."""
    made = PlatformSite(empty_database, tenants=TENANTS)
    made.make_tables()
    model = made.add_model(status="inactive", trained_at=START.replace(tzinfo=None))
    made.add_detection(model, START.replace(tzinfo=None))
    make_telemetry(empty_database, TENANTS)
    Migrator(empty_database).apply()
    return made


@pytest.fixture
def platform(site: PlatformSite, empty_database_url: str, tmp_path: Path) -> Iterator[Platform]:
    """The plugin on that site, with a week's work behind it."""
    with closing(Platform(site_settings(empty_database_url, tmp_path / "home"))) as opened:
        results = work_a_week(opened, purged=False)
        assert [result.reason for result in results.values() if result.outcome is Outcome.FAILED] == []
        yield opened


def test_uninstalling_leaves_the_platform_its_tables(
    site: PlatformSite, platform: Platform, empty_database_url: str, postgres_binaries: PostgresBinaries
) -> None:
    """Rows, ids and the platform's own INSERTs stay; nothing of ours is left but columns of its tables."""
    models = site.execute("SELECT id, accuracy FROM ml_models ORDER BY id")
    detections = site.execute('SELECT id, "timestamp" FROM anomaly_detections ORDER BY id')

    script = str(files("ml_core.sql") / "uninstall.sql")
    psql = [postgres_binaries.program("psql"), empty_database_url, "-v", "ON_ERROR_STOP=1", "-q", "-f", script]
    subprocess.run(psql, check=True, capture_output=True)

    assert site.execute("SELECT id, accuracy FROM ml_models ORDER BY id") == models
    assert site.execute('SELECT id, "timestamp" FROM anomaly_detections ORDER BY id') == detections
    assert site.execute("SELECT status FROM ml_models WHERE adopted") == [("inactive",)]
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('ml_health', 'grafana')"
    assert site.execute(schemas) == []
    second = site.add_model(status="inactive")
    site.add_detection(site.add_model(status="active"), None, timestamp="2031-01-01")
    assert site.execute("SELECT status FROM ml_models WHERE id = %(id)s", {"id": second}) == [("inactive",)]


def test_a_dump_and_the_artifacts_make_the_site_anew(
    platform: Platform,
    empty_database_url: str,
    database_url: str,
    postgres_binaries: PostgresBinaries,
    tmp_path: Path,
) -> None:
    """Restored into another database beside a copy of the models, every model still serves."""
    dump, restored = tmp_path / "ml-health.dump", tmp_path / "restored"
    dumping = ["--format=custom", f"--file={dump}", f"--dbname={empty_database_url}"]
    subprocess.run([postgres_binaries.program("pg_dump"), *dumping], check=True)
    shutil.copytree(platform.settings.home / "artifacts", restored / "artifacts")
    with closing(Database(database_url)) as emptied, emptied.transaction() as cur:
        cur.execute("DROP SCHEMA grafana, ml_health, public CASCADE; CREATE SCHEMA public")
    clean = ["--clean", "--if-exists", "--exit-on-error", f"--dbname={database_url}", str(dump)]
    subprocess.run([postgres_binaries.program("pg_restore"), "--no-owner", "--no-privileges", *clean], check=True)

    with closing(Platform(site_settings(database_url, restored))) as again:
        assert again.migrator.apply() == []
        checked = run_task(again, "ml_health_check", now=START.replace(month=4))
        versions = again.models.list_versions()
        readable = [again.artifacts.read(v.artifact_sha256) for v in versions if v.artifact_sha256]

    assert checked.outcome is Outcome.SUCCEEDED
    assert len(readable) >= 4
    assert "artifact" not in {finding["check"] for finding in checked.findings}


def test_the_home_of_a_stopped_embedded_database_can_be_copied(
    postgres_binaries: PostgresBinaries, tmp_path: Path
) -> None:
    """The folder holds data, passwords and models: elsewhere it starts with the same rows."""
    first = EmbeddedPostgres(tmp_path / "first", binaries=postgres_binaries, durable=False)
    with closing(Database(first.start())) as database:
        Migrator(database).apply()
        with database.transaction() as cur:
            cur.execute(
                "INSERT INTO ml_health.rejected_reading (source, line, raw, reason, rejected_at) "
                "VALUES ('a', 1, '', '', now())"
            )
    first.stop()
    subprocess.run(["cp", "-a", str(tmp_path / "first"), str(tmp_path / "second")], check=True)

    second = EmbeddedPostgres(tmp_path / "second", binaries=postgres_binaries, durable=False)
    try:
        with closing(Database(second.start())) as copied, copied.transaction() as cur:
            cur.execute("SELECT source FROM ml_health.rejected_reading")
            assert cur.fetchall() == [("a",)]
    finally:
        second.stop()
