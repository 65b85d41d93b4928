"""The connection to PostgreSQL: transactions, sessions for locks, deadlines, errors in one line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from weakref import WeakSet

import psycopg2
from psycopg2.extensions import connection, cursor, make_dsn

from ml_core.adapters.postgres.address import DatabaseAddress
from ml_core.adapters.postgres.session import Session
from ml_core.adapters.postgres.values import copy_rows, register_adapters
from ml_core.errors import CommitOutcomeUnknownError

__all__ = ["Database", "copy_rows"]
NETWORK = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "utf8",
    "fallback_application_name": "ml-health",
}


@dataclass(kw_only=True)
class _Unit:
    """The transactions that a thread has joined into one."""

    cur: cursor
    is_busy: bool = False
    has_failed: bool = False


class Database:
    """One PostgreSQL database, spoken to in UTC over one session a thread and process.

    A statement may take `statement_timeout_s` and wait `lock_timeout_s` for a lock; the server sees to
    both. Where its answer is `answer_grace_s` overdue, the link is taken for dead and cut from our side. With
    `read_only` the server refuses every change.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_s: int = 5,
        statement_timeout_s: float = 300.0,
        lock_timeout_s: float = 10.0,
        answer_grace_s: float = 5.0,
        read_only: bool = False,
    ) -> None:
        self._address = DatabaseAddress(url)
        self._connect_timeout_s = connect_timeout_s
        self._answer_grace_s = answer_grace_s
        self._answer_timeout_s = statement_timeout_s + answer_grace_s
        settings = {
            "statement_timeout": f"{statement_timeout_s * 1000:.0f}",
            "lock_timeout": f"{lock_timeout_s * 1000:.0f}",
            "timezone": "UTC",
        } | ({"default_transaction_read_only": "on"} if read_only else {})
        own_options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options = f"{self._address.options} {own_options}".strip()
        self._dsn = make_dsn(url, connect_timeout=connect_timeout_s, options=options, **NETWORK)
        self._threads = threading.local()
        self._sessions: WeakSet[Session] = WeakSet()

    def __repr__(self) -> str:
        return f"Database({self.address})"

    @property
    def address(self) -> str:
        """Host, port and database for people, without user and password."""
        return str(self._address)

    @contextmanager
    def transaction(self, *, statement_timeout_s: float | None = None) -> Iterator[cursor]:
        """A cursor whose work is committed at the end, or rolled back as a whole when the body raises.

        `statement_timeout_s` allows this one transaction longer or shorter statements. Transactions of a
        thread do not nest: hand the cursor on; within `together` it is a part of the one there. Raises
        DatabaseUnavailableError, CommitOutcomeUnknownError where a repeat needs a look first, ConflictError
        after a deadlock or where a lock is not to be had.
        """
        unit: _Unit | None = getattr(self._threads, "unit", None)
        if unit is not None and statement_timeout_s is None:
            with self._part_of(unit) as cur:
                yield cur
            return
        if getattr(self._threads, "is_busy", False):
            raise RuntimeError("a transaction is open in this thread: hand its cursor on, do not nest")
        session = self._thread_session()
        self._threads.is_busy = True
        try:
            with (
                self._translated(session),
                self._rolled_back(session),
                self._allowance(session, statement_timeout_s),
            ):
                with session.cursor() as cur:
                    yield cur
                self._commit(session)
        finally:
            self._threads.is_busy = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of all that the body does in this thread: kept as a whole, or not at all.

        Within another one it is a part of that. What takes locks of many comes first in the body, so that no
        two wait for each other.
        """
        if getattr(self._threads, "unit", None) is not None:
            yield
            return
        with self.transaction() as cur:
            self._threads.unit = unit = _Unit(cur=cur)
            try:
                yield
            finally:
                self._threads.unit = None
            if unit.has_failed:
                # COMMIT after an error that somebody swallowed would be a silent ROLLBACK.
                raise RuntimeError("a part of a joint transaction failed and its error was kept back")

    @contextmanager
    def dedicated_connection(self) -> Iterator[Session]:
        """A session of its own in autocommit mode, closed at the end: for advisory locks."""
        session = self._connect()
        try:
            session.autocommit = True
            with self._translated(session):
                yield session
        finally:
            session.close()

    def close(self) -> None:
        """Close this process's sessions, whichever thread they serve; a later use connects anew."""
        for session in list(self._sessions):
            if session.is_ours:
                session.close()

    @contextmanager
    def _part_of(self, unit: _Unit) -> Iterator[cursor]:
        if unit.is_busy:
            raise RuntimeError("a transaction is open in this thread: hand its cursor on, do not nest")
        unit.is_busy = True
        try:
            with self._translated(unit.cur.connection):
                yield unit.cur
        except BaseException:
            unit.has_failed = True
            raise
        finally:
            unit.is_busy = False

    def _thread_session(self) -> Session:
        session: Session | None = getattr(self._threads, "session", None)
        # A forked child drops its parent's session unclosed: to close it would end the parent's.
        if session is None or not session.is_ours or not session.is_alive(self._connect_timeout_s):
            session = self._connect()
            self._threads.session = session
            self._sessions.add(session)
        return session

    def _connect(self) -> Session:
        register_adapters()
        try:
            session = psycopg2.connect(self._dsn, connection_factory=Session)
        except psycopg2.OperationalError as exc:
            raise self._address.explain(exc) from exc
        session.watch(self._answer_timeout_s)
        return session

    @contextmanager
    def _allowance(self, session: Session, statement_timeout_s: float | None) -> Iterator[None]:
        if statement_timeout_s is None:
            yield
            return
        with session.answer_allowance(statement_timeout_s + self._answer_grace_s):
            with session.cursor() as cur:
                cur.execute("SELECT set_config('statement_timeout', %s, true)", (f"{statement_timeout_s * 1000:.0f}",))
            yield

    def _commit(self, session: Session) -> None:
        try:
            session.commit()
        except psycopg2.Error as exc:
            if session.closed:
                raise CommitOutcomeUnknownError(
                    f"PostgreSQL at {self.address} was lost during COMMIT ({self._address.quote(exc)}): "
                    "re-read whether the change is there before doing it again"
                ) from exc
            raise

    @contextmanager
    def _rolled_back(self, session: Session) -> Iterator[None]:
        try:
            yield
        except BaseException:
            # A session that cannot even roll back is closed, and the next transaction gets a new one.
            with suppress(psycopg2.Error):
                session.abandon(self._connect_timeout_s)
            raise

    @contextmanager
    def _translated(self, session: connection) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as exc:
            if isinstance(exc, psycopg2.OperationalError) or session.closed:
                raise self._address.explain(exc) from exc
            raise
