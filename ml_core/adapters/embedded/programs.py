"""Running PostgreSQL's own programs on an embedded server's folder: make, start, stop."""

from __future__ import annotations

import os
import shlex
import subprocess
import time

from ml_core.adapters.embedded.account import ServerAccount
from ml_core.adapters.embedded.binaries import PostgresBinaries
from ml_core.adapters.embedded.folder import PostgresFolder, role_name
from ml_core.errors import EmbeddedPostgresError

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
# Commits still reach the kernel before they are answered, so a killed server loses none of them.
UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class ServerPrograms:
    """`initdb` and `pg_ctl` on one folder, run as the account that owns it."""

    def __init__(self, folder: PostgresFolder, binaries: PostgresBinaries, *, durable: bool) -> None:
        self._folder = folder
        self._binaries = binaries
        self._settings = SETTINGS | ({} if durable else UNSAFE_SETTINGS)

    def initialise(self, account: ServerAccount) -> None:
        """Make the data where there is none; refuse data that another major version made."""
        self._folder.sweep_drafts()
        made_by = self._folder.data_version()
        if made_by is None:
            self._create_data(account)
        elif made_by != self._binaries.major:
            raise EmbeddedPostgresError(
                f"{self._folder.data} was made by PostgreSQL {made_by}, the programs in "
                f"{self._binaries.folder} are {self._binaries.version}: set PGBIN to those of "
                f"PostgreSQL {made_by}, or dump there and restore into a new home"
            )

    def launch(self, account: ServerAccount) -> None:
        """Start the server and wait until it is ready; passing faults are waited out."""
        self._folder.drop_stale_pid_file()
        self._folder.trim_log()
        deadline = time.monotonic() + RESTART_PATIENCE_S
        log_size = self._log_size()
        while not self._start_once(account):
            news = self._read_log(log_size)
            if time.monotonic() > deadline or not any(fault in news for fault in PASSING_FAULTS):
                raise self._folder.failure("does not start")
            time.sleep(RESTART_PAUSE_S)
        for path in self._folder.path.iterdir():
            account.adopt(path)

    def stop(self, account: ServerAccount) -> None:
        """Stop the server, rolling open transactions back."""
        if not self._run(account, "pg_ctl", "stop", "-D", str(self._folder.data), "-m", "fast", "-w"):
            raise self._folder.failure("does not stop")

    def _create_data(self, account: ServerAccount) -> None:
        account.require_access(self._folder.path.parent)
        account.require_access(self._binaries.folder)
        self._folder.ensure_password("owner")
        password_file = self._folder.password_file("owner")
        account.adopt(password_file)
        # Made beside and renamed, so that a process killed half-way leaves no half-made data folder.
        draft = self._folder.new_draft()
        owner = ["--username", role_name("owner"), "--pwfile", str(password_file)]
        choices = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        if not self._run(account, "initdb", "-D", str(draft), *owner, *choices):
            raise self._folder.failure("cannot be made")
        draft.rename(self._folder.data)

    def _start_once(self, account: ServerAccount) -> bool:
        port = self._folder.choose_port()
        settings = [f"--{name}={value}" for name, value in (self._settings | {"port": str(port)}).items()]
        paths = ["-D", str(self._folder.data), "-l", str(self._folder.log)]
        waiting = ["-w", "-t", str(int(START_TIMEOUT_S))]
        started = self._run(account, "pg_ctl", "start", *paths, *waiting, "-o", shlex.join(settings))
        if started:
            self._folder.keep_port(port)
        return started

    def _run(self, account: ServerAccount, program: str, *arguments: str) -> bool:
        # Into a file: the server inherits a pipe and keeps it open, and we would wait for its end.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [*account.prefix, self._binaries.program(program), *arguments]
        with self._folder.commands_log.open("ab") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment | {"LC_ALL": "C"},
                cwd=self._folder.path,
                check=False,
            )
        return done.returncode == 0

    def _log_size(self) -> int:
        return self._folder.log.stat().st_size if self._folder.log.exists() else 0

    def _read_log(self, since: int) -> str:
        if not self._folder.log.exists():
            return ""
        return self._folder.log.read_bytes()[since:].decode(errors="replace")
