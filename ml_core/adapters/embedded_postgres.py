"""The PostgreSQL that needs no set-up: one server per home folder, shared by every process of its user."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import encrypt_password

from ml_core.adapters.postgres_account import ServerAccount, choose_account
from ml_core.adapters.postgres_binaries import PostgresBinaries, find_binaries
from ml_core.adapters.postgres_folder import PostgresFolder, RunningServer
from ml_core.errors import EmbeddedPostgresError

Role = Literal["owner", "writer", "reader"]
DATABASE_NAME = "ml_health"
START_TIMEOUT_S = 60.0
RESTART_PATIENCE_S = 5.0
RESTART_PAUSE_S = 0.2
# What the last moments of a killed server, or a port taken in between, look like in the log.
PASSING_FAULTS = ("lock file", "shared memory", "could not bind", "could not create any TCP/IP sockets")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


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
        self._settings = SETTINGS | ({} if durable else UNSAFE_SETTINGS)

    def start(self) -> str:
        """Start the server unless it runs already, and return its owner's URL."""
        self.folder.create()
        account = choose_account(self.folder.path)
        with self.folder.locked(START_TIMEOUT_S):
            if self.folder.find_server() is None:
                self._initialise(account)
                self._launch(account)
            self._await_ready()
            self._ensure_database()
        return self.url()

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, what was committed stays."""
        if not self.folder.path.is_dir():
            return
        account = choose_account(self.folder.path)
        with self.folder.locked(START_TIMEOUT_S):
            if self.folder.find_server() is None:
                return
            if not self._run(account, "pg_ctl", "stop", "-D", str(self.folder.data), "-m", "fast", "-w"):
                raise self._failure("does not stop")

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

    def _initialise(self, account: ServerAccount) -> None:
        made_by = self.folder.data_version()
        if made_by is None:
            self._create_data(account)
        elif made_by != self.binaries.major:
            raise EmbeddedPostgresError(
                f"{self.folder.data} was made by PostgreSQL {made_by}, the programs in "
                f"{self.binaries.folder} are {self.binaries.version}: set PGBIN to those of "
                f"PostgreSQL {made_by}, or dump there and restore into a new home"
            )

    def _create_data(self, account: ServerAccount) -> None:
        account.require_access(self.folder.path.parent)
        account.require_access(self.binaries.folder)
        self.folder.ensure_password("owner")
        password_file = self.folder.password_file("owner")
        account.adopt(password_file)
        # Made beside and renamed, so that a process killed half-way leaves no half-made data folder.
        draft = self.folder.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        owner = ["--username", role_name("owner"), "--pwfile", str(password_file)]
        choices = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        if not self._run(account, "initdb", "-D", str(draft), *owner, *choices):
            raise self._failure("cannot be made")
        draft.rename(self.folder.data)

    def _launch(self, account: ServerAccount) -> None:
        self.folder.drop_stale_pid_file()
        self.folder.trim_log()
        deadline = time.monotonic() + RESTART_PATIENCE_S
        log_size = self._log_size()
        while not self._start_once(account):
            news = self._read_log(log_size)
            if time.monotonic() > deadline or not any(fault in news for fault in PASSING_FAULTS):
                raise self._failure("does not start")
            time.sleep(RESTART_PAUSE_S)
        for path in self.folder.path.iterdir():
            account.adopt(path)

    def _start_once(self, account: ServerAccount) -> bool:
        port = self.folder.choose_port()
        settings = [f"--{name}={value}" for name, value in (self._settings | {"port": str(port)}).items()]
        paths = ["-D", str(self.folder.data), "-l", str(self.folder.log)]
        waiting = ["-w", "-t", str(int(START_TIMEOUT_S))]
        started = self._run(account, "pg_ctl", "start", *paths, *waiting, "-o", shlex.join(settings))
        if started:
            self.folder.keep_port(port)
        return started

    def _await_ready(self) -> None:
        # A starter killed half-way leaves a server that is alive and still recovering.
        deadline = time.monotonic() + START_TIMEOUT_S
        while (server := self.folder.find_server()) is None or not server.ready:
            if server is None or time.monotonic() > deadline:
                raise self._failure("does not become ready")
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
            raise self._failure(f"does not let its owner in ({str(exc).strip()})") from exc
        connection.autocommit = True
        return connection

    def _run(self, account: ServerAccount, program: str, *arguments: str) -> bool:
        # Into a file: the server inherits a pipe and keeps it open, and we would wait for its end.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [*account.prefix, self.binaries.program(program), *arguments]
        with self.folder.commands_log.open("ab") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment | {"LC_ALL": "C"},
                cwd=self.folder.path,
                check=False,
            )
        return done.returncode == 0

    def _failure(self, what: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"the embedded PostgreSQL in {self.folder.path} {what}: see {self.folder.log} and "
            f"{self.folder.commands_log}; check the free disk space and the folder's owner"
        )

    def _log_size(self) -> int:
        return self.folder.log.stat().st_size if self.folder.log.exists() else 0

    def _read_log(self, since: int) -> str:
        if not self.folder.log.exists():
            return ""
        return self.folder.log.read_bytes()[since:].decode(errors="replace")


def role_name(role: Role) -> str:
    """The PostgreSQL role that plays this part."""
    return f"ml_health_{role}"
