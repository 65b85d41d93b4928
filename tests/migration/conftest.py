"""Logins of the test server, each dropped after its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from tests.migration.site_logins import LoginMaker

PASSWORD = "a password of the tests"
NUMBERS = count(1)


@pytest.fixture
def administer(postgres_server: EmbeddedPostgres) -> Callable[..., None]:
    """Runs a statement as the server's superuser, in a database of choice."""

    def run(statement: sql.Composable, database: str = "postgres") -> None:
        with closing(psycopg2.connect(make_dsn(postgres_server.url(), dbname=database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cur:
                cur.execute(statement)

    return run


@pytest.fixture
def create_login(administer: Callable[..., None]) -> Iterator[LoginMaker]:
    """A function that makes a login with these memberships and rights and answers its URL on a database."""
    made: list[tuple[str, str]] = []

    def create(url: str, *groups: str, rights: str = "") -> str:
        name, database = f"tester_{next(NUMBERS)}", url.rsplit("/", 1)[1]
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + rights).format(
            sql.Identifier(name), sql.Literal(PASSWORD)
        )
        administer(statement)
        for group in groups:
            administer(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        made.append((name, database))
        host = url.rsplit("@", 1)[1]
        return f"postgresql://{name}:{PASSWORD.replace(' ', '%20')}@{host}"

    yield create
    for name, database in made:
        administer(
            sql.SQL("REASSIGN OWNED BY {0} TO CURRENT_USER; DROP OWNED BY {0}").format(sql.Identifier(name)), database
        )
        administer(sql.SQL("REASSIGN OWNED BY {0} TO CURRENT_USER; DROP ROLE {0}").format(sql.Identifier(name)))
