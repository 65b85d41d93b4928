"""Real PostgreSQL and a local GitHub for every test: one server a session, one fresh database a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from ml_core.adapters.embedded.binaries import PostgresBinaries, find_binaries, inspect_binaries
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator

if TYPE_CHECKING:
    from ml_core.adapters.issues.github_issues import GitHubIssues
    from tests.contract.github_server import GitHubServer

TEMPLATE = "template_migrated"
MEMORY, MEMORY_NEEDED = Path("/dev/shm"), 4_000_000_000
# A process of its own, which outlives a killed test run: it waits for the end of its input.
SWEEPER = """
import shutil, sys
from pathlib import Path
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.embedded.binaries import inspect_binaries
sys.stdin.read()
home, folder = map(Path, sys.argv[1:])
EmbeddedPostgres(home, binaries=inspect_binaries(folder)).stop()
shutil.rmtree(home)
"""


@pytest.fixture(scope="session")
def postgres_binaries() -> PostgresBinaries:
    """PostgreSQL's programs: those of ML_HEALTH_TEST_PGBIN, else what the product would choose."""
    chosen = os.environ.get("ML_HEALTH_TEST_PGBIN")
    return inspect_binaries(Path(chosen)) if chosen else find_binaries()


@pytest.fixture(scope="session")
def postgres_server(postgres_binaries: PostgresBinaries) -> Iterator[EmbeddedPostgres]:
    """A running server in a temporary folder; stopped and swept even when the test run is killed."""
    home = Path(tempfile.mkdtemp(prefix="ml-health-test-", dir=_find_memory()))
    command = [sys.executable, "-c", SWEEPER, str(home), str(postgres_binaries.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        server = EmbeddedPostgres(home, binaries=postgres_binaries, durable=False)
        server.start()
        yield server


@pytest.fixture(scope="session")
def create_database(postgres_server: EmbeddedPostgres) -> Callable[[str, str], str]:
    """A function that makes a database of this name from that template and returns its URL."""

    def create(name: str, template: str) -> str:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        _administer(postgres_server, statement.format(sql.Identifier(name), sql.Identifier(template)))
        return postgres_server.url().rsplit("/", 1)[0] + f"/{name}"

    return create


@pytest.fixture(scope="session")
def template_database(create_database: Callable[[str, str], str]) -> str:
    """The name of a database that was migrated once."""
    with closing(Database(create_database(TEMPLATE, "template0"))) as database:
        Migrator(database).apply()
    return TEMPLATE


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    """Names that no other test of this session has had."""
    return (f"test_{number}" for number in count(1))


@pytest.fixture
def database_url(
    postgres_server: EmbeddedPostgres,
    create_database: Callable[[str, str], str],
    template_database: str,
    database_names: Iterator[str],
) -> Iterator[str]:
    """The URL of a fresh migrated database, dropped after the test."""
    name = next(database_names)
    yield create_database(name, template_database)
    _drop(postgres_server, name)


@pytest.fixture
def empty_database_url(
    postgres_server: EmbeddedPostgres,
    create_database: Callable[[str, str], str],
    database_names: Iterator[str],
) -> Iterator[str]:
    """The URL of a database in which nothing has been made, dropped after the test."""
    name = next(database_names)
    yield create_database(name, "template0")
    _drop(postgres_server, name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A connection to a fresh migrated database, closed after the test."""
    with closing(Database(database_url)) as opened:
        yield opened


@pytest.fixture
def empty_database(empty_database_url: str) -> Iterator[Database]:
    """A connection to a database in which nothing has been made, closed after the test."""
    with closing(Database(empty_database_url)) as opened:
        yield opened


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """A local GitHub with one repository; whatever breaks GitHub's own description fails the test."""
    from tests.contract.github_server import GitHubServer

    with GitHubServer() as server:
        yield server

    assert server.violations == []


@pytest.fixture
def tracker(github: GitHubServer) -> Iterator[GitHubIssues]:
    """Our adapter on the local GitHub, without pauses between writes."""
    from ml_core.adapters.issues.github_issues import GitHubIssues

    with closing(
        GitHubIssues("acme/plant", github.token, base_url=github.url, write_gap_s=0.0, timeout_s=1)
    ) as adapter:
        yield adapter


def _find_memory() -> Path | None:
    # A fresh database a test is a thousand files each: in memory that takes a tenth of the time, and no disk is worn.
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    return MEMORY if has_room else None


def _drop(server: EmbeddedPostgres, name: str) -> None:
    # With force: a test of dead links may leave a session that the server still believes in.
    _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: EmbeddedPostgres, statement: sql.Composable) -> None:
    with closing(psycopg2.connect(make_dsn(server.url(), dbname="postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cur:
            cur.execute(statement)
