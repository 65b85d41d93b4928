"""The PostgreSQL that needs no set-up: one server per home folder, shared by every process of its user."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import encrypt_password

from ml_core.adapters.embedded.account import ServerAccount, choose_account
from ml_core.adapters.embedded.binaries import PostgresBinaries, find_binaries
from ml_core.adapters.embedded.folder import PostgresFolder, Role, RunningServer, role_name
from ml_core.adapters.embedded.programs import RESTART_PATIENCE_S, RESTART_PAUSE_S, START_TIMEOUT_S, ServerPrograms
from ml_core.errors import EmbeddedPostgresError

DATABASE_NAME = "ml_health"


@dataclass(frozen=True, kw_only=True)
class EmbeddedPostgresStatus:
    """What can be said about the server without starting it."""

    running: bool
    pid: int | None
    port: int | None
    version: str
    data_dir: Path
    log_path: Path


class EmbeddedPostgres:
    """A PostgreSQL on loopback TCP with scram and a generated password, its files in `home/postgres`.

    With `durable=False` a crash of the machine may lose data: for tests only.
    """

    def __init__(self, home: Path, *, binaries: PostgresBinaries | None = None, durable: bool = True) -> None:
        self.folder = PostgresFolder(home)
        self.binaries = binaries or find_binaries()
        self._programs = ServerPrograms(self.folder, self.binaries, durable=durable)

    def start(self) -> str:
        """Start the server unless it runs already, and return its owner's URL."""
        self.folder.create()
        account = choose_account(self.folder.path)
        with self.folder.locked(START_TIMEOUT_S):
            deadline = time.monotonic() + RESTART_PATIENCE_S
            while not self._is_serving(account, last_try=time.monotonic() > deadline):
                time.sleep(RESTART_PAUSE_S)
        return self.url()

    def _is_serving(self, account: ServerAccount, *, last_try: bool) -> bool:
        """Launch the server if none is there, and see whether it lets its owner in."""
        if self.folder.find_server() is None:
            self._programs.initialise(account)
            self._programs.launch(account)
        try:
            self._await_ready()
            self._ensure_database()
        except EmbeddedPostgresError:
            # Killed a moment ago, the server before looked alive when it was asked for: it is gone by now.
            if last_try:
                raise
            return False
        return True

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, what was committed stays."""
        if not self.folder.path.is_dir():
            return
        account = choose_account(self.folder.path)
        with self.folder.locked(START_TIMEOUT_S):
            if self.folder.find_server() is not None:
                self._programs.stop(account)

    def status(self) -> EmbeddedPostgresStatus:
        """Whether the server runs, and where."""
        server = self.folder.find_server()
        return EmbeddedPostgresStatus(
            running=server is not None,
            pid=server.pid if server else None,
            port=server.port if server else None,
            version=self.binaries.version,
            data_dir=self.folder.data,
            log_path=self.folder.log,
        )

    def url(self, role: Role = "owner") -> str:
        """The address of the running server for this role; a role's password is made at the first ask."""
        port = self._require_server().port
        if role != "owner":
            self._ensure_login(role)
        password = quote(self.folder.read_password(role), safe="")
        return f"postgresql://{role_name(role)}:{password}@127.0.0.1:{port}/{DATABASE_NAME}"

    def _require_server(self) -> RunningServer:
        server = self.folder.find_server()
        if server is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not running: `ml-health db start`")
        return server

    def _await_ready(self) -> None:
        # A starter killed half-way leaves a server that is alive and still recovering.
        deadline = time.monotonic() + START_TIMEOUT_S
        while (server := self.folder.find_server()) is None or not server.ready:
            if server is None or time.monotonic() > deadline:
                raise self.folder.failure("does not become ready")
            time.sleep(RESTART_PAUSE_S)

    def _ensure_database(self) -> None:
        with closing(self._connect("postgres")) as connection, connection.cursor() as cur:
            cur.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE_NAME,))
            if cur.fetchone() is None:
                cur.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME)))

    def _ensure_login(self, role: Role) -> None:
        password = self.folder.ensure_password(role)
        choose_account(self.folder.path).adopt(self.folder.password_file(role))
        name = role_name(role)
        with closing(self._connect(DATABASE_NAME)) as connection, connection.cursor() as cur:
            cur.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
            verb = "CREATE" if cur.fetchone() is None else "ALTER"
            # Hashed here, so that the password itself never reaches the server's log.
            secret = encrypt_password(password, name, connection, "scram-sha-256")
            statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
            cur.execute(statement.format(sql.SQL(verb), sql.Identifier(name), sql.Literal(secret)))

    def _connect(self, database: str) -> Connection:
        owner, password = role_name("owner"), self.folder.read_password("owner")
        port = self._require_server().port
        try:
            connection: Connection = psycopg2.connect(
                host="127.0.0.1",
                port=port,
                dbname=database,
                user=owner,
                password=password,
                connect_timeout=10,
            )
        except psycopg2.OperationalError as exc:
            raise self.folder.failure(f"does not let its owner in ({str(exc).strip()})") from exc
        connection.autocommit = True
        return connection
