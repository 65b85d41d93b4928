"""The folder of an embedded PostgreSQL: its data, port, passwords, logs and the lock that guards them."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml_core.errors import EmbeddedPostgresError

Role = Literal["owner", "writer", "reader"]
LOCK_POLL_S = 0.05
LOG_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A live postmaster, as its own pid file tells."""

    pid: int
    port: int
    ready: bool


class PostgresFolder:
    """Everything that one embedded server keeps on disk, under `home/postgres`."""

    def __init__(self, home: Path) -> None:
        self.path = Path(home).expanduser().resolve() / "postgres"
        self.data = self.path / "data"
        self.log = self.path / "server.log"
        self.commands_log = self.path / "commands.log"
        self._port_file = self.path / "port"

    def create(self) -> None:
        """Make the folder for our eyes only; under another user's home it is that user's."""
        if self.path.is_dir():
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise EmbeddedPostgresError(
                f"{self.path} cannot be made ({exc.strerror}): set ML_HEALTH_HOME to a folder that you can write"
            ) from exc
        home = self.path.parent.stat()
        if os.geteuid() == 0 and home.st_uid != 0:
            os.chown(self.path, home.st_uid, home.st_gid)

    @contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock under which a server is made, started or stopped; it dies with its process."""
        descriptor = os.open(self.path / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._await_lock(descriptor, time.monotonic() + timeout_s)
            yield
        finally:
            os.close(descriptor)

    def _await_lock(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(
                        f"another process holds {self.path / 'server.lock'} for too long: is one hanging in "
                        f"start or stop? See {self.commands_log}"
                    ) from None
            time.sleep(LOCK_POLL_S)

    def find_server(self) -> RunningServer | None:
        """The live server of this folder, if any; a pid that now belongs to another program is none."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        except PermissionError as exc:
            raise EmbeddedPostgresError(f"{self.path} belongs to another user: run as that user") from exc
        if len(lines) < 4 or not _serves(int(lines[0]), self.data):
            return None
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return RunningServer(pid=int(lines[0]), port=int(lines[3]), ready=ready)

    def drop_stale_pid_file(self) -> None:
        """Remove a dead server's pid file, whose pid may be another program's by now (as in containers)."""
        if self.find_server() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def data_version(self) -> int | None:
        """The major version that made the data, or None before there is any."""
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def new_draft(self) -> Path:
        """Where data may be made: a new name each time, as the `initdb` of a killed starter writes on to its own."""
        return self.path / f"data.{secrets.token_hex(4)}.new"

    def sweep_drafts(self) -> None:
        """Remove what killed starters left half-made, as far as nobody writes there any more."""
        for draft in self.path.glob("data.*.new"):
            shutil.rmtree(draft, ignore_errors=True)

    def choose_port(self) -> int:
        """The port of last time while it is free, so that addresses given to others stay right."""
        if self._port_file.exists():
            port = int(self._port_file.read_text(encoding="ascii"))
            if _is_free(port):
                return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def keep_port(self, port: int) -> None:
        """Remember the port for the next start."""
        _write_private(self._port_file, str(port))

    def password_file(self, role: Role) -> Path:
        """Where the password of this role is kept, readable by its owner only."""
        return self.path / f"password-{role}"

    def ensure_password(self, role: Role) -> str:
        """The password of this role, generated at the first ask."""
        if not self.password_file(role).exists():
            _write_private(self.password_file(role), secrets.token_urlsafe(24))
        return self.read_password(role)

    def read_password(self, role: Role) -> str:
        """The password of this role; an error that names the file when it is gone."""
        path = self.password_file(role)
        try:
            return path.read_text(encoding="ascii")
        except OSError as exc:
            raise EmbeddedPostgresError(
                f"the password of the embedded PostgreSQL cannot be read from {path} ({exc.strerror}): "
                "restore that file from a backup, or run as the user who owns it"
            ) from exc

    def failure(self, what: str) -> EmbeddedPostgresError:
        """The error that says where to look when the server does not do its part."""
        return EmbeddedPostgresError(
            f"the embedded PostgreSQL in {self.path} {what}: see {self.log} and "
            f"{self.commands_log}; check the free disk space and the folder's owner"
        )

    def trim_log(self) -> None:
        """Keep one old log and start another when it has grown large, so that it stays bounded."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.commands_log.unlink(missing_ok=True)


def role_name(role: Role) -> str:
    """The PostgreSQL role that plays this part."""
    return f"ml_health_{role}"


def _serves(pid: int, data: Path) -> bool:
    """Whether this process is the postmaster of this data folder, by its command line."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in arguments


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL does: addresses in TIME_WAIT after a stop are free, a listener is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write_private(path: Path, text: str) -> None:
    """Write whole or not at all, readable by the owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
