"""Dashboards as shipped, and a database seen through the eyes of Grafana's login."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg2 import sql

from ml_core.adapters.grafana.reader import PostgresReaderAccess
from ml_core.adapters.postgres.database import Database
from tests.grafana.fleet_rows import NOW
from tests.grafana.macro_expander import Viewer

Answer = tuple[list[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def boards() -> list[dict[str, Any]]:
    """Every dashboard that the package ships, the fleet overview first."""
    folder = files("ml_core.grafana").joinpath("json")
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name != "fleet_overview.json")
    return [json.loads(entry.read_text(encoding="utf-8")) for entry in entries]


@pytest.fixture(scope="session")
def all_values(boards: list[dict[str, Any]]) -> dict[str, str]:
    """What each variable stands for when everything is chosen."""
    variables = [variable for board in boards for variable in board["templating"]["list"]]
    return {variable["name"]: variable["allValue"] for variable in variables if "allValue" in variable}


@pytest.fixture
def viewer() -> Viewer:
    """Somebody who looks at the last day with everything chosen."""
    return Viewer(start=NOW - timedelta(days=1), end=NOW, chosen={})


@pytest.fixture
def reader_name(database: Database) -> Iterator[str]:
    """The name of a login for one test, dropped with it: logins belong to the whole server."""
    with database.transaction() as cur:
        cur.execute("SELECT 'grafana_of_' || current_database()")
        (name,) = cur.fetchone() or ("",)
    yield name
    with database.transaction() as cur:
        cur.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture
def reader(database: Database, database_url: str, reader_name: str) -> Iterator[Database]:
    """The database as Grafana's login sees it."""
    assert PostgresReaderAccess(database).create(reader_name, "a-password") is None
    parts = urlsplit(database_url)
    with closing(
        Database(f"postgresql://{reader_name}:a-password@{parts.hostname}:{parts.port}{parts.path}")
    ) as opened:
        yield opened


@pytest.fixture
def ask(reader: Database, viewer: Viewer, all_values: dict[str, str]) -> Callable[..., Answer]:
    """A function that runs a query of Grafana's as its login, and answers names of columns and rows."""

    def run(raw: str, seen_by: Viewer = viewer) -> Answer:
        with reader.transaction() as cur:
            cur.execute(seen_by.expand(raw, all_values))
            return [column.name for column in cur.description or ()], cur.fetchall()

    return run


@pytest.fixture
def show(boards: list[dict[str, Any]], ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """A function that runs the query of the panel with this title."""
    queries = {panel["title"]: panel["targets"][0]["rawSql"] for board in boards[::-1] for panel in board["panels"]}

    def run(title: str, *seen_by: Viewer) -> Answer:
        return ask(queries[title], *seen_by)

    return run
