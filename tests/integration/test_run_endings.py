"""How a run ends that PostgreSQL lets down in its midst, with the real ledger."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.task_lock import PostgresTaskLock
from ml_core.domain.task import Outcome, TaskReport, TaskResult
from ml_core.errors import DatabaseUnavailableError
from ml_core.services.runs import RunRecorder, RunRequest, execute_run

NOW = datetime(2026, 5, 4, 2, tzinfo=UTC)


def run_statement(database: Database, statement: str) -> TaskResult:
    """A run whose only work is one statement."""

    def body(run: RunRecorder) -> TaskReport:
        with database.transaction() as cur:
            cur.execute(statement)
        return TaskReport()

    request = RunRequest(task="ml_score", slot=NOW, now=NOW, max_attempts=3)
    return execute_run(request, body, ledger=PostgresRunLedger(database), lock=PostgresTaskLock(database, "ml_score"))


def test_a_lock_that_is_not_to_be_had_interrupts_the_run(database: Database, database_url: str) -> None:
    """The row says so at once, with the reason; the slot is open for its next attempt."""
    with closing(Database(database_url, lock_timeout_s=0.1)) as impatient, database.transaction() as cur:
        cur.execute("LOCK TABLE ml_health.series IN ACCESS EXCLUSIVE MODE")
        result = run_statement(impatient, "SELECT count(*) FROM ml_health.series")

    found = PostgresRunLedger(database).find("ml_score", NOW)
    assert found is not None
    assert (result.outcome, found.outcome) == (Outcome.INTERRUPTED, Outcome.INTERRUPTED)
    assert "another session holds the lock" in str(found.reason)


def test_a_slot_that_cannot_be_opened_spends_no_attempt(database: Database, database_url: str) -> None:
    """Somebody holds the run table: the caller is told, nothing is written, and nothing raises."""
    with closing(Database(database_url, lock_timeout_s=0.1)) as impatient, database.transaction() as cur:
        cur.execute("LOCK TABLE ml_health.run IN ACCESS EXCLUSIVE MODE")
        result = run_statement(impatient, "SELECT 1")

    assert result.outcome is Outcome.INTERRUPTED
    assert "could not be opened" in str(result.reason)
    assert PostgresRunLedger(database).find("ml_score", NOW) is None


def test_a_statement_that_takes_too_long_leaves_no_run_under_way(database: Database, database_url: str) -> None:
    """The caller hears of it, and the row is closed where the server still takes a word."""
    with (
        closing(Database(database_url, statement_timeout_s=0.2)) as hasty,
        pytest.raises(DatabaseUnavailableError, match="statement timeout"),
    ):
        run_statement(hasty, "SELECT pg_sleep(5)")

    found = PostgresRunLedger(database).find("ml_score", NOW)
    assert found is not None
    assert found.outcome is Outcome.INTERRUPTED
