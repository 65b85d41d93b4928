from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql
from psycopg2.extensions import make_dsn, parse_dsn
from psycopg2.extras import execute_values

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.adapters.postgres.json_rows import to_json
from ml_core.errors import (
    CommitOutcomeUnknownError,
    ConfigurationError,
    ConflictError,
    DatabaseUnavailableError,
)


def ask(database: Database, question: str, *values: object) -> object:
    """The one value that a query answers, in a transaction of its own."""
    with database.transaction() as cur:
        cur.execute(question, values)
        (answer,) = cur.fetchone() or (None,)
    return answer


def end_session(url: str, pid: object) -> None:
    """End another session as an administrator would, and wait until it is gone."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cur:
        cur.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@contextmanager
def proxy(url: str) -> Iterator[tuple[str, threading.Event]]:
    """The same database through a link that swallows everything once its event is set."""
    parts, hole = parse_dsn(url), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = [listener]

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not hole.is_set():
                    target.sendall(data)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", int(parts["port"])))
                opened.extend([near, far])
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield make_dsn(url, port=listener.getsockname()[1]), hole
    finally:
        for link in opened:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()


def test_a_transaction_commits_or_leaves_nothing(empty_database: Database) -> None:
    """What the body did is kept at its end, and undone as a whole when it raises."""
    with empty_database.transaction() as cur:
        cur.execute("CREATE TABLE t (a int)")
        cur.execute("INSERT INTO t VALUES (1)")

    def fail() -> None:
        with empty_database.transaction() as cur:
            cur.execute("INSERT INTO t VALUES (2)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ask(empty_database, "SELECT array_agg(a) FROM t") == [1]


def test_sessions_speak_utc_whatever_the_server_or_machine_is_set_to(empty_database_url: str) -> None:
    """A zone in the URL's own options does not change what times mean."""
    url = make_dsn(empty_database_url, options="-c timezone=Asia/Tokyo -c work_mem=7MB")
    with closing(Database(url)) as database:
        moment = ask(database, "SELECT timestamptz '2024-01-01 00:00+00'")

        assert ask(database, "SELECT current_setting('timezone')") == "UTC"
        assert ask(database, "SELECT current_setting('work_mem')") == "7MB"
        assert moment == datetime(2024, 1, 1, tzinfo=UTC)
        assert isinstance(moment, datetime)
        assert moment.utcoffset() == timedelta(0)


def test_numpy_and_uuid_values_arrive_as_what_they_are(empty_database: Database) -> None:
    """Scalars of numpy, their times and UUIDs go in and come back as plain Python."""
    identifier = UUID("01234567-89ab-cdef-0123-456789abcdef")

    assert ask(empty_database, "SELECT %s", np.float64(1.5)) == 1.5
    assert ask(empty_database, "SELECT %s::real", np.float32(0.5)) == 0.5
    assert ask(empty_database, "SELECT %s", np.int64(2**40)) == 2**40
    assert ask(empty_database, "SELECT %s", np.bool_(True)) is True
    assert ask(empty_database, "SELECT %s", [np.int32(1), np.int32(2)]) == [1, 2]
    assert ask(empty_database, "SELECT %s", identifier) == identifier
    moment = np.datetime64("2024-01-01T00:00:00.123456789")
    assert ask(empty_database, "SELECT %s", moment) == datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert ask(empty_database, "SELECT %s::timestamptz", np.datetime64("NaT")) is None


def test_a_terminated_session_is_replaced(empty_database: Database, empty_database_url: str) -> None:
    """An idle session that the server ended is noticed before the next transaction begins."""
    pid = ask(empty_database, "SELECT pg_backend_pid()")
    end_session(empty_database_url, pid)

    assert ask(empty_database, "SELECT pg_backend_pid()") != pid


def test_a_session_lost_in_mid_transaction_is_a_one_line_error(
    empty_database: Database, empty_database_url: str
) -> None:
    """The transaction under way fails by our own error, and the next one works."""

    def lose() -> None:
        with empty_database.transaction() as cur:
            cur.execute("SELECT pg_backend_pid()")
            end_session(empty_database_url, (cur.fetchone() or (None,))[0])
            cur.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL at 127\.0\.0\.1:\d+/test_\d+: [^\n]+$"):
        lose()
    assert ask(empty_database, "SELECT 1") == 1


def test_a_session_lost_at_commit_is_told_apart(empty_database: Database, empty_database_url: str) -> None:
    """Whether it was kept is unknown, so the error is not the one that invites a repeat."""

    def lose() -> None:
        with empty_database.transaction() as cur:
            cur.execute("SELECT pg_backend_pid()")
            end_session(empty_database_url, (cur.fetchone() or (None,))[0])

    with pytest.raises(CommitOutcomeUnknownError, match="re-read"):
        lose()


def swallowed_on_the_way(hole: threading.Event) -> Iterator[tuple[int]]:
    """A row that is sent when the link has just gone."""
    hole.set()
    yield (1,)


def test_a_black_holed_link_is_given_up(empty_database_url: str) -> None:
    """A link that swallows every packet ends in an error at the client's own deadline, COPY included."""
    with proxy(empty_database_url) as (url, hole):
        limits = {"statement_timeout_s": 0.2, "answer_grace_s": 0.2}
        with closing(Database(url, connect_timeout_s=2, **limits)) as database:
            assert ask(database, "SELECT 1") == 1
            hole.set()
            with pytest.raises(DatabaseUnavailableError, match="check that the server runs"):
                ask(database, "SELECT 1")
            hole.clear()
            with database.transaction() as cur:
                cur.execute("CREATE TABLE t (a int)")
            with pytest.raises(DatabaseUnavailableError), database.transaction() as cur:
                copy_rows(cur, sql.Identifier("t"), ["a"], swallowed_on_the_way(hole))
            hole.clear()

            assert ask(database, "SELECT count(*) FROM t") == 0


def test_a_black_holed_lock_session_is_given_up(empty_database_url: str) -> None:
    """A dedicated session has the same deadline."""
    with proxy(empty_database_url) as (url, hole):
        limits = {"statement_timeout_s": 0.2, "answer_grace_s": 0.2}

        def lose(database: Database) -> None:
            with database.dedicated_connection() as session, session.cursor() as cur:
                hole.set()
                cur.execute("SELECT 1")

        with closing(Database(url, **limits)) as database, pytest.raises(DatabaseUnavailableError):
            lose(database)


def test_a_slow_statement_is_ended_unless_it_was_allowed(empty_database_url: str) -> None:
    """The limit holds for each statement, and one transaction may ask for more."""
    with closing(Database(empty_database_url, statement_timeout_s=0.2, answer_grace_s=0.1)) as database:
        with pytest.raises(DatabaseUnavailableError, match="statement timeout"):
            ask(database, "SELECT pg_sleep(5)")
        with database.transaction(statement_timeout_s=5) as cur:
            cur.execute("SELECT pg_sleep(0.5)")

        assert ask(database, "SELECT current_setting('statement_timeout')") == "200ms"


def test_an_unreachable_server_is_one_line_without_the_password() -> None:
    """Host, port, database and what to check; never the password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        database = Database(f"postgresql://someone:s3cr%40t@127.0.0.1:{port}/plant")
        with pytest.raises(DatabaseUnavailableError) as refused:
            ask(database, "SELECT 1")

    message = str(refused.value)
    assert message.startswith(f"PostgreSQL at 127.0.0.1:{port}/plant: ")
    assert "ML_HEALTH_DATABASE_URL" in message
    assert "\n" not in message
    assert "s3cr" not in message + repr(database)


@pytest.mark.parametrize("url", ["postgres:/someone:s3cret@host/db", "mysql://someone:s3cret@host/db"])
def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    """The setting is named, the secret in it is not."""
    with pytest.raises(ConfigurationError, match="ML_HEALTH_DATABASE_URL") as refused:
        Database(url)

    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_deadlock_is_a_conflict(empty_database: Database) -> None:
    """Of two transactions that wait for each other one fails by name and the other goes on."""
    with empty_database.transaction() as cur:
        cur.execute("SET deadlock_timeout = '50ms'")
        cur.execute("CREATE TABLE t (a int PRIMARY KEY, b int)")
        cur.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
    met, conflicts = threading.Barrier(2), []

    def change(first: int, second: int) -> None:
        try:
            with empty_database.transaction() as cur:
                cur.execute("UPDATE t SET b = b + 1 WHERE a = %s", (first,))
                met.wait()
                cur.execute("UPDATE t SET b = b + 1 WHERE a = %s", (second,))
        except ConflictError as exc:
            conflicts.append(str(exc))

    threads = [threading.Thread(target=change, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(conflicts) == 1
    assert "nothing was written" in conflicts[0]
    assert ask(empty_database, "SELECT array_agg(b) FROM t") == [1, 1]


def test_a_lock_held_too_long_is_told(empty_database_url: str) -> None:
    """Waiting for a lock ends at its own limit, long before the statement's."""
    with closing(Database(empty_database_url, lock_timeout_s=0.1)) as database:
        with database.transaction() as cur:
            cur.execute("CREATE TABLE t (a int)")
        with closing(psycopg2.connect(empty_database_url)) as holder, holder.cursor() as held:
            held.execute("LOCK TABLE t")
            with pytest.raises(ConflictError, match="another session holds the lock"):
                ask(database, "SELECT count(*) FROM t")


def test_transactions_of_a_thread_do_not_nest(empty_database: Database) -> None:
    """An inner transaction would commit the outer one's half: refused, and the outer one is rolled back."""
    with (
        pytest.raises(RuntimeError, match="hand its cursor on"),
        empty_database.transaction(),
        empty_database.transaction(),
    ):
        pass
    assert ask(empty_database, "SELECT 1") == 1


def test_transactions_joined_into_one_are_kept_or_undone_together(empty_database: Database) -> None:
    """What was done through several transactions within `together` leaves nothing when a later one raises."""
    ask(empty_database, "CREATE TABLE t (a int); SELECT 1")

    def write(*numbers: int) -> None:
        with empty_database.together():
            for number in numbers:
                ask(empty_database, "INSERT INTO t VALUES (1 / %s) RETURNING a", number)

    write(1, 1)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        write(1, 0)
    with pytest.raises(RuntimeError, match="kept back"), empty_database.together(), suppress(psycopg2.Error):
        ask(empty_database, "SELECT 1 / 0")

    assert ask(empty_database, "SELECT count(*) FROM t") == 2


@pytest.mark.parametrize("said", ["a\x00b", "a\ud800b", "ä\x00\udfffb"])
def test_texts_that_cannot_be_kept_are_cleaned(empty_database: Database, said: str) -> None:
    """Whatever way a text goes in, no exception's words end a run: parameters, arrays, JSON, VALUES lists, COPY."""
    ask(empty_database, "CREATE TABLE t (words text, list text[], facts jsonb); SELECT 1")
    with empty_database.transaction() as cur:
        row = (said, [said], to_json({said: [said]}))
        cur.execute("INSERT INTO t VALUES (%(a)s, %(b)s, %(c)s)", dict(zip("abc", row, strict=True)))
        execute_values(cur, "INSERT INTO t VALUES %s", [row])
        cur.executemany("INSERT INTO t VALUES (%s, %s, %s)", [row])
        copy_rows(cur, sql.Identifier("t"), ["words", "list", "facts"], [(said, [said], {said: [said]})])
        cur.execute("SELECT DISTINCT words, list, facts FROM t")
        kept = cur.fetchall()

    clean = said.replace("\x00", "").replace("\ud800", "?").replace("\udfff", "?")
    assert kept == [(clean, [clean], {clean: [clean]})]


def test_each_thread_has_its_own_session(empty_database: Database) -> None:
    """Two threads work side by side; a thread's session is used again."""
    mine, theirs = [ask(empty_database, "SELECT pg_backend_pid()") for _ in range(2)], []
    thread = threading.Thread(target=lambda: theirs.append(ask(empty_database, "SELECT pg_backend_pid()")))
    thread.start()
    thread.join()

    assert mine[0] == mine[1]
    assert theirs[0] not in mine


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_its_parents_session_alone(empty_database: Database) -> None:
    """The child connects anew, closes, and the parent's session is still there."""
    pid = ask(empty_database, "SELECT pg_backend_pid()")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            other = ask(empty_database, "SELECT pg_backend_pid()")
            empty_database.close()
            os.write(writer, str(other).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    answer = int(os.read(reader, 100))
    os.close(reader)
    os.close(writer)

    assert answer != pid
    assert ask(empty_database, "SELECT pg_backend_pid()") == pid


def test_an_advisory_lock_lives_as_long_as_its_session(empty_database: Database) -> None:
    """The lock outlasts transactions beside it and is gone when its session is closed."""
    with empty_database.dedicated_connection() as session:
        with session.cursor() as cur:
            cur.execute("SELECT pg_advisory_lock(7)")
        held = ask(empty_database, "SELECT pg_try_advisory_lock(7)")
    deadline = time.monotonic() + 10
    while not (freed := ask(empty_database, "SELECT pg_try_advisory_lock(7)")):
        assert time.monotonic() < deadline

    assert held is False
    assert freed is True


def test_closed_sessions_are_gone_from_the_server(empty_database_url: str, postgres_server: EmbeddedPostgres) -> None:
    """After close() no session is left behind, and a later use connects anew."""
    database = Database(empty_database_url)
    pid = ask(database, "SELECT pg_backend_pid()")
    database.close()
    with closing(Database(postgres_server.url())) as other:
        deadline = time.monotonic() + 10
        while ask(other, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid):
            assert time.monotonic() < deadline

    assert ask(database, "SELECT 1") == 1
    database.close()


def test_a_mistake_in_sql_stays_the_drivers_error(empty_database: Database) -> None:
    """A programming error is not dressed up as an outage."""
    with pytest.raises(psycopg2.errors.UndefinedTable):
        ask(empty_database, "SELECT * FROM nowhere")


COLUMNS = ["flag", "amount", "ratio", "label", "at", "id", "raw", "extra", "list"]
FAR_EAST = timezone(timedelta(hours=9))
ROW = st.tuples(
    st.none() | st.booleans() | st.booleans().map(np.bool_),
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**31).map(np.int64),
    st.floats(allow_nan=False) | st.floats(allow_nan=False).map(np.float64),
    st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(FAR_EAST)),
    st.none() | st.uuids(),
    st.none() | st.binary(),
    st.none() | st.dictionaries(st.text("ab\\\"\n\t'"), st.integers() | st.text("ab\\\"\n\t'")),
    st.none() | st.lists(st.none() | st.text("ab\\\"\n\t',{} ")),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(ROW, max_size=5))
def test_copied_rows_come_back_as_they_went_in(empty_database: Database, rows: list[tuple[object, ...]]) -> None:
    """Text of any kind, emptiness, NULL, extreme numbers, JSON, arrays and bytes survive a COPY."""
    with empty_database.transaction() as cur:
        cur.execute(
            "CREATE TEMPORARY TABLE copied (position serial, flag bool, amount int8, ratio float8, "
            "label text, at timestamptz, id uuid, raw bytea, extra jsonb, list text[]) ON COMMIT DROP"
        )
        count = copy_rows(cur, sql.Identifier("copied"), COLUMNS, iter(rows))
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        cur.execute(sql.SQL("SELECT {} FROM copied ORDER BY position").format(names))
        found = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cur.fetchall()]

    assert count == len(rows)
    assert found == rows


def test_large_copies_are_streamed_whole(empty_database: Database) -> None:
    """More rows than fit one chunk, from columns of numpy and pandas, none lost or changed."""
    times = pd.date_range("2024-01-01", periods=20_000, freq="s", tz="UTC")
    values = np.arange(20_000) / 8
    with empty_database.transaction() as cur:
        cur.execute("CREATE TABLE reading (at timestamptz, value float8)")
        copied = copy_rows(cur, sql.Identifier("public", "reading"), ["at", "value"], zip(times, values, strict=True))

    assert copied == 20_000
    assert ask(empty_database, "SELECT sum(value) FROM reading") == values.sum()
    assert ask(empty_database, "SELECT max(at) FROM reading") == times[-1].to_pydatetime()


@pytest.mark.parametrize(
    ("value", "error"),
    [(datetime(2024, 1, 1), "without a zone"), (object(), "takes no object")],
    ids=["naive time", "unknown type"],
)
def test_values_without_a_clear_meaning_are_refused(empty_database: Database, value: object, error: str) -> None:
    """A time without zone or an unknown type fails the whole COPY and leaves nothing."""
    with empty_database.transaction() as cur:
        cur.execute("CREATE TABLE t (a text)")
    with pytest.raises((TypeError, ValueError), match=error), empty_database.transaction() as cur:
        copy_rows(cur, sql.Identifier("t"), ["a"], [("first",), (value,)])

    assert ask(empty_database, "SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("array", [np.array([1.5, np.nan]), np.array(["2024-01-01"], "datetime64[ns]")])
def test_arrays_of_numpy_fill_array_columns(empty_database: Database, array: np.ndarray) -> None:
    """Numbers and times of numpy arrive as PostgreSQL arrays."""
    with empty_database.transaction() as cur:
        kind = sql.SQL("timestamptz[]" if array.dtype.kind == "M" else "float8[]")
        cur.execute(sql.SQL("CREATE TABLE t (a {})").format(kind))
        copy_rows(cur, sql.Identifier("t"), ["a"], [(array,)])
        cur.execute("SELECT a::text[] FROM t")
        (found,) = cur.fetchone() or ([],)

    expected = ["2024-01-01 00:00:00+00"] if array.dtype.kind == "M" else ["1.5", "NaN"]
    assert found == expected
