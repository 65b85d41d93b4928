"""The login that Grafana uses: may read the views and nothing else."""

from __future__ import annotations

import psycopg2
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import encrypt_password, make_dsn

from ml_core.adapters.postgres.database import Database
from ml_core.ports.reader_access import ReaderLogin, ServerAddress
from ml_core.sql import load_queries

CONNECTION_LIMIT = 10
LOGIN_TIMEOUT_S = 5
# What a second connection needs to reach the same server in the same way.
SHARED_PARAMETERS = ("host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert")


class PostgresReaderAccess:
    """Logins of one PostgreSQL server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("grafana_reader")

    def locate(self) -> ServerAddress:
        """Where the database is, asked of a live connection."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["server"])
            (major,) = cur.fetchone() or (0,)
            info = cur.connection.info
            return ServerAddress(
                host=info.host, port=info.port, database=info.dbname, encrypted=info.ssl_in_use, major=major
            )

    def find(self, user: str) -> ReaderLogin:
        """Whether the login is there and may read every view."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["find"], {"user": user})
            exists, reads_views = cur.fetchone() or (False, False)
        return ReaderLogin(exists=exists, reads_views=reads_views)

    def may_create(self) -> bool:
        """Whether the current login may create others."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["may_create"])
            return cur.fetchone() == (True,)

    def create(self, user: str, password: str) -> str | None:
        """Create the login as a reader and nothing else; the server's reason where it refuses."""
        try:
            with self._database.transaction() as cur:
                # Hashed here, so that the password itself never reaches the server's log.
                secret = encrypt_password(password, user, cur.connection, "scram-sha-256")
                statement = sql.SQL(self._queries["create"]).format(
                    user=sql.Identifier(user), connections=sql.Literal(CONNECTION_LIMIT), secret=sql.Literal(secret)
                )
                cur.execute(statement)
        except InsufficientPrivilege as exc:
            return _one_line(exc)
        return None

    def try_login(self, user: str, password: str) -> str | None:
        """Log in and out again; the server's reason where it refuses."""
        with self._database.transaction() as cur:
            known = cur.connection.get_dsn_parameters()
        shared = {name: known[name] for name in SHARED_PARAMETERS if known.get(name)}
        dsn = make_dsn(**shared, user=user, password=password, connect_timeout=LOGIN_TIMEOUT_S)
        try:
            psycopg2.connect(dsn).close()
        except psycopg2.OperationalError as exc:
            return _one_line(exc).replace(password, "***")
        return None


def _one_line(exc: psycopg2.Error) -> str:
    return " ".join(str(exc).split())
