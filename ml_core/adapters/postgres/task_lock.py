"""One holder a task, whatever machine it runs on: an advisory lock on a connection of its own."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import psycopg2

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.session import Session
from ml_core.errors import MLHealthError
from ml_core.sql import load_queries


class PostgresTaskLock:
    """Held while its session lives.

    Where the session is ended from outside, somebody else may take the task over; what this holder
    writes of its run afterwards is refused by the run's attempt number.
    """

    def __init__(self, database: Database, task: str) -> None:
        self._database = database
        self._task = task
        self._held = ExitStack()
        self._is_held = False

    def acquire(self) -> bool:
        """Take the lock without waiting; False where somebody holds it, even this object itself."""
        if self._is_held:
            return False
        with ExitStack() as stack:
            session = stack.enter_context(self._database.dedicated_connection())
            with session.cursor() as cur:
                cur.execute(load_queries("run_ledger")["try_lock"], {"task": self._task})
                self._is_held = cur.fetchone() == (True,)
            if self._is_held:
                # Unlocked before the session ends: the server may take its time to notice the end.
                stack.callback(_unlock, session)
                self._held = stack.pop_all()
        return self._is_held

    def release(self) -> None:
        """Give it back, and end its session; harmless where it is not held."""
        self._is_held = False
        with suppress(psycopg2.Error, MLHealthError):
            self._held.close()


def _unlock(session: Session) -> None:
    with suppress(psycopg2.Error, MLHealthError), session.cursor() as cur:
        cur.execute(load_queries("run_ledger")["unlock"])
