"""One session of the driver with a deadline on every answer, known to the process that opened it."""

from __future__ import annotations

import os
import select
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, cursor

from ml_core.adapters.postgres.link_deadline import LinkDeadline
from ml_core.adapters.postgres.text import clean_parameters

# Firewalls forget idle links; a session that rested for longer is asked whether it still answers.
TRUSTED_IDLE_S = 30.0


class Session(connection):
    """A psycopg2 connection whose answers are waited for only so long."""

    def watch(self, answer_timeout_s: float) -> None:
        """Start the deadline; called once, right after connecting."""
        self.cursor_factory = SessionCursor
        self._process = os.getpid()
        self._answer_timeout_s = answer_timeout_s
        self._used_at = time.monotonic()
        self._link = LinkDeadline(self.fileno())
        weakref.finalize(self, self._link.close)

    @property
    def is_ours(self) -> bool:
        """Whether this process opened the session, rather than a parent it was forked from."""
        return self._process == os.getpid()

    def answer_deadline(self, seconds: float | None = None) -> AbstractContextManager[None]:
        """Bound the wait for one answer of the server."""
        return self._link.limit(self._answer_timeout_s if seconds is None else seconds)

    @contextmanager
    def answer_allowance(self, seconds: float) -> Iterator[None]:
        """Wait this long for each answer while the body runs."""
        usual = self._answer_timeout_s
        self._answer_timeout_s = seconds
        try:
            yield
        finally:
            self._answer_timeout_s = usual

    def is_alive(self, timeout_s: float) -> bool:
        """Whether the idle session can be used; asks the server only where there is a doubt."""
        if self.closed:
            return False
        if not self._has_news() and time.monotonic() - self._used_at < TRUSTED_IDLE_S:
            return True
        try:
            with self.answer_deadline(timeout_s), super().cursor() as cur:
                cur.execute("SELECT 1")
            self.abandon(timeout_s)
        except psycopg2.Error:
            self.close()
        return not self.closed

    def abandon(self, timeout_s: float) -> None:
        """Roll back; close the session when that fails."""
        try:
            with self.answer_deadline(timeout_s):
                super().rollback()
            self._used_at = time.monotonic()
        except psycopg2.Error:
            self.close()

    def commit(self) -> None:
        """Commit, waiting no longer than for any other answer."""
        with self.answer_deadline():
            super().commit()
        self._used_at = time.monotonic()

    def close(self) -> None:
        """Close the session and end its watch."""
        super().close()
        self._link.close()

    def _has_news(self) -> bool:
        # A server that ended the session has said so; nothing else is sent to an idle one.
        watcher = select.poll()
        watcher.register(self.fileno(), select.POLLIN)
        return bool(watcher.poll(0))


class SessionCursor(cursor):
    """A cursor that waits for answers only until its session's deadline, and sends only texts that can be kept."""

    connection: Session

    def execute(self, query: str | bytes | sql.Composable, vars: Any = None) -> None:  # noqa: A002
        """Run a statement."""
        with self.connection.answer_deadline():
            super().execute(query, clean_parameters(vars))

    def executemany(self, query: str | bytes | sql.Composable, vars_list: Any) -> None:
        """Run a statement once for each set of parameters."""
        with self.connection.answer_deadline():
            super().executemany(query, [clean_parameters(values) for values in vars_list])

    def mogrify(self, query: str | bytes | sql.Composable, vars: Any = None) -> bytes:  # noqa: A002
        """The statement with its parameters in it."""
        return super().mogrify(query, clean_parameters(vars))

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Run a COPY."""
        with self.connection.answer_deadline():
            super().copy_expert(sql, file, size)
