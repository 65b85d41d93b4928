"""The Grafana task puts views, login and files in place, and says what it may not do."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import yaml
from click.testing import CliRunner
from psycopg2 import sql

from ml_core.adapters.ledgers.device_sites import PostgresDeviceSites, SiteMapping
from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome, TaskResult
from ml_core.entrypoints.grafana_command import grafana_command
from ml_core.entrypoints.runner import run_task
from ml_core.errors import ConfigurationError
from ml_core.grafana.build import render_dashboards
from ml_core.settings import DatabaseSettings, GrafanaSettings, Settings
from ml_core.sql import load_views

NOW = datetime(2026, 3, 10, 5, tzinfo=UTC)
FILES = 2 + len(render_dashboards()) + 1


def _settings(home: Path, url: str, reader_name: str) -> Settings:
    return Settings(
        home=home,
        database=DatabaseSettings(url=url),
        grafana=GrafanaSettings(reader_user=reader_name),
    )


def _run(platform: Platform, *, hour: int = 5, dry_run: bool = False) -> TaskResult:
    now = NOW.replace(hour=hour)
    return run_task(platform, "ml_grafana", now=now, slot=now, dry_run=dry_run)


@pytest.fixture
def platform(tmp_path: Path, database_url: str, reader_name: str) -> Iterator[Platform]:
    """A platform whose login owns the database."""
    with closing(Platform(_settings(tmp_path, database_url, reader_name))) as opened:
        yield opened


@pytest.fixture
def writers_platform(tmp_path: Path, database: Database, database_url: str, reader_name: str) -> Iterator[Platform]:
    """A platform whose login runs the tasks and may neither make views nor logins."""
    name = f"writer_{reader_name}"
    identifier = sql.Identifier(name)
    with database.transaction() as cur:
        cur.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'w' IN ROLE ml_health_writer").format(identifier))
    parts = urlsplit(database_url)
    url = f"postgresql://{name}:w@{parts.hostname}:{parts.port}{parts.path}"
    with closing(Platform(_settings(tmp_path, url, reader_name))) as opened:
        yield opened
    with database.transaction() as cur:
        cur.execute(sql.SQL("DROP ROLE {}").format(identifier))


def test_the_first_run_makes_login_and_files_and_the_second_changes_nothing(platform: Platform) -> None:
    """After one run everything is in place; a later one finds it so."""
    first, second = _run(platform, hour=5), _run(platform, hour=6)

    assert first.outcome is Outcome.SUCCEEDED
    assert first.counts == {
        "views_refreshed": 0,
        "logins_created": 1,
        "files_written": FILES,
        "files_unchanged": 0,
        "files_removed": 0,
        "series_moved": 0,
    }
    assert second.outcome is Outcome.SUCCEEDED
    assert second.counts == {
        "views_refreshed": 0,
        "logins_created": 0,
        "files_written": 0,
        "files_unchanged": FILES,
        "files_removed": 0,
        "series_moved": 0,
    }


def test_grafana_can_log_in_with_what_was_written(platform: Platform, tmp_path: Path, reader_name: str) -> None:
    """User, password, address and database of the file open a session that reads the views."""
    _run(platform)
    text = (tmp_path / "grafana/datasources/ml-health.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    host, _, port = source["url"].partition(":")
    secret = source["secureJsonData"]["password"]
    name = source["jsonData"]["database"]
    with (
        closing(psycopg2.connect(host=host, port=port, dbname=name, user=source["user"], password=secret)) as session,
        session.cursor() as cur,
    ):
        cur.execute("SELECT count(*) FROM grafana.model_status")
        assert cur.fetchone() == (0,)
        cur.execute("SELECT rolconnlimit, rolcreaterole, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cur.fetchone() == (10, False, False)

    assert source["user"] == reader_name
    assert len(secret) >= 32
    assert oct((tmp_path / "grafana-reader.password").stat().st_mode & 0o777) == "0o600"


def test_a_dry_run_tells_and_changes_nothing(platform: Platform, database: Database, tmp_path: Path) -> None:
    """Counts as a real run would have them, and neither login, view nor file."""
    with database.transaction() as cur:
        cur.execute("DROP VIEW grafana.run")
    result = _run(platform, dry_run=True)

    assert result.counts == {
        "views_refreshed": 1,
        "logins_created": 1,
        "files_written": FILES,
        "files_unchanged": 0,
        "files_removed": 0,
        "series_moved": 0,
    }
    assert list(tmp_path.iterdir()) == []
    assert platform.views.list_outdated() == ["run"]


def test_a_missing_and_a_changed_view_are_made_anew(platform: Platform, database: Database) -> None:
    """A dropped view, one that reads a dropped one, and one that somebody edited are noticed and mended."""
    assert platform.views.list_outdated() == []
    with database.transaction() as cur:
        cur.execute("DROP VIEW grafana.verdict CASCADE")
        cur.execute("DROP VIEW grafana.run")
        cur.execute("CREATE VIEW grafana.run AS SELECT * FROM ml_health.run WHERE false")
    outdated = platform.views.list_outdated()
    result = _run(platform)

    assert sorted(outdated) == ["anomaly", "explanation", "quality", "run", "verdict"]
    assert result.outcome is Outcome.SUCCEEDED
    assert result.counts["views_refreshed"] == 5
    assert platform.views.list_outdated() == []


def test_looking_for_outdated_views_leaves_nothing(platform: Platform, database: Database) -> None:
    """The trial definitions are gone afterwards."""
    platform.views.list_outdated()
    with database.transaction() as cur:
        cur.execute("SELECT count(*) FROM pg_views WHERE viewname = ANY(%s)", (list(load_views()),))

        assert cur.fetchone() == (len(load_views()),)


def test_what_only_an_administrator_may_do_is_told(
    writers_platform: Platform, database: Database, tmp_path: Path, reader_name: str
) -> None:
    """Without the right to make logins or views the run says what to run, keeps no secret in it, and writes files."""
    with database.transaction() as cur:
        cur.execute("DROP VIEW grafana.run")
    result = _run(writers_platform)
    told = {finding["check"]: finding["message"] for finding in result.findings}

    assert result.outcome is Outcome.PARTIAL
    assert "(run): run `ml-health db migrate`" in told["grafana_views"]
    assert f'CREATE ROLE "{reader_name}"' in told["grafana_reader"]
    password = (tmp_path / "grafana-reader.password").read_text(encoding="utf-8").strip()
    assert password not in json.dumps(result.to_json())
    assert str(tmp_path / "grafana-reader.password") in told["grafana_reader"]
    assert result.counts["files_written"] == FILES


def test_a_login_made_by_an_administrator_is_used(
    writers_platform: Platform, database: Database, reader_name: str
) -> None:
    """Once the administrator has done what was asked for, the run succeeds."""
    _run(writers_platform, hour=5)
    password = writers_platform.grafana_password.ensure()
    with database.transaction() as cur:
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE ml_health_reader")
        cur.execute(statement.format(sql.Identifier(reader_name), sql.Literal(password)))
    result = _run(writers_platform, hour=6)

    assert result.outcome is Outcome.SUCCEEDED
    assert list(result.findings) == []


def test_a_login_of_somebody_else_keeps_its_password(platform: Platform, database: Database, reader_name: str) -> None:
    """A login that is there with another password is told of and not changed."""
    with database.transaction() as cur:
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'theirs' IN ROLE ml_health_reader")
        cur.execute(statement.format(sql.Identifier(reader_name)))
    platform.grafana_password.ensure()
    result = _run(platform)

    assert result.outcome is Outcome.PARTIAL
    assert "does not accept the password" in result.findings[0]["message"]
    assert platform.grafana_reader.try_login(reader_name, "theirs") is None


def test_a_login_that_may_not_read_the_views_is_told(platform: Platform, database: Database, reader_name: str) -> None:
    """A login outside of the readers' group would see empty dashboards with errors."""
    with database.transaction() as cur:
        cur.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(reader_name)))
    result = _run(platform)

    assert "may not read every view" in result.findings[0]["message"]


def test_render_writes_files_without_a_secret_for_another_machine(platform: Platform, tmp_path: Path) -> None:
    """The command fills a folder that can be mounted, and says how Grafana gets the password."""
    out = tmp_path / "out"
    result = CliRunner().invoke(grafana_command, ["render", "--out", str(out), "--json"], obj=platform)
    facts = json.loads(result.stdout)
    text = (out / "datasources/ml-health.yaml").read_text(encoding="utf-8")

    assert result.exit_code == 0
    assert len(facts["written"]) == FILES
    assert facts["password_variable"] == "ML_HEALTH_GRAFANA_PASSWORD"
    assert 'password: "${ML_HEALTH_GRAFANA_PASSWORD}"' in text
    assert platform.grafana_password.find() is None


def test_render_tells_people_what_was_written(platform: Platform, tmp_path: Path) -> None:
    """Without --json each file stands on a line of its own, and a second call finds them current."""
    arguments = ["render", "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(grafana_command, arguments, obj=platform)
    second = CliRunner().invoke(grafana_command, arguments, obj=platform)

    assert first.stdout.count("written:") == FILES
    assert f"{FILES} files were current" in second.stdout


def test_the_address_that_grafana_sees_can_be_set(tmp_path: Path, database_url: str, reader_name: str) -> None:
    """A Grafana in a container reaches the database under another name."""
    settings = Settings(
        home=tmp_path,
        database=DatabaseSettings(url=database_url),
        grafana=GrafanaSettings(reader_user=reader_name, database_address="postgres:5432"),
    )
    with closing(Platform(settings)) as platform:
        _run(platform)

    assert 'url: "postgres:5432"' in (tmp_path / "grafana/datasources/ml-health.yaml").read_text(encoding="utf-8")


def test_series_get_the_site_of_their_device(
    tmp_path: Path, database: Database, database_url: str, reader_name: str
) -> None:
    """A relation of the platform tells sites; a device that it does not name is of the default one."""
    with database.transaction() as cur:
        cur.execute(
            "CREATE TABLE public.assets (asset text, plant text); INSERT INTO public.assets VALUES ('P-1', 'north')"
        )
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at)"
            " SELECT '00000000-0000-0000-0000-000000000000', name, 'flow', %s FROM unnest(ARRAY['P-1', 'P-2']) AS name",
            (NOW,),
        )
    names = GrafanaSettings(
        reader_user=reader_name,
        site="south",
        sites_relation="assets",
        sites_device_column="asset",
        sites_site_column="plant",
    )
    with closing(
        Platform(Settings(home=tmp_path, database=DatabaseSettings(url=database_url), grafana=names))
    ) as chosen:
        foreseen = _run(chosen, dry_run=True)
        first, second = _run(chosen, hour=6), _run(chosen, hour=7)
    with database.transaction() as cur:
        cur.execute("SELECT device, site FROM grafana.device ORDER BY device")
        sites = cur.fetchall()

    assert [result.counts["series_moved"] for result in (foreseen, first, second)] == [2, 2, 0]
    assert sites == [("P-1", "north"), ("P-2", "south")]


def test_a_relation_of_sites_that_is_not_there_is_named(platform: Platform, database: Database) -> None:
    """The message names the setting."""
    sites = PostgresDeviceSites(database, SiteMapping(default_site="main", relation="nowhere"))

    with pytest.raises(ConfigurationError, match=r"grafana\.sites_relation 'nowhere' cannot be read"):
        sites.assign(dry_run=False)
