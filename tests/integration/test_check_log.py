"""Check results on real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ml_core.adapters.ledgers.check_log import PostgresCheckLog
from ml_core.adapters.postgres.database import Database
from ml_core.domain.checks.check import CheckResult, SeriesCheck, Verdict

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)


def make_runs(database: Database, n: int) -> list[int]:
    """Runs of following days."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.run (task, slot, outcome, owner, started_at) "
            "SELECT 'ml_health_check', %(now)s + day * interval '1 day', 'running', 'test', %(now)s "
            "FROM generate_series(1, %(n)s) AS day RETURNING id",
            {"now": NOW, "n": n},
        )
        return [row[0] for row in cur.fetchall()]


def make_series(database: Database, n: int) -> list[int]:
    """Series by number."""
    with database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at) "
            "SELECT %(tenant)s, 'D-' || number, 'flow', %(now)s FROM generate_series(1, %(n)s) AS number RETURNING id",
            {"tenant": UUID(int=0), "now": NOW, "n": n},
        )
        return [row[0] for row in cur.fetchall()]


def drift(value: float | None, verdict: Verdict = Verdict.OK, check: str = "drift") -> CheckResult:
    """A result."""
    return CheckResult(
        check=check, verdict=verdict, reason="because", value=value, threshold=0.5, evidence={"n": 3, "at": [1, 2]}
    )


@pytest.fixture
def log(database: Database) -> PostgresCheckLog:
    """The log of a fresh database."""
    return PostgresCheckLog(database)


def save(log: PostgresCheckLog, run_id: int, series_id: int, result: CheckResult, days: int = 0) -> None:
    """One result of one series."""
    log.save(run_id, [SeriesCheck(series_id=series_id, model_id=None, result=result)], at=NOW + timedelta(days=days))


def latest(
    log: PostgresCheckLog, check: str, series_ids: list[int], *, before_run_id: int | None = None
) -> dict[int, CheckResult]:
    """The newest result of one check by series."""
    found = log.latest_of_each(series_ids, checks=[check], before_run_id=before_run_id)
    return {series_id: one.result for series_id, (one,) in found.items()}


def test_what_was_saved_is_read_back_whole(log: PostgresCheckLog, database: Database) -> None:
    """Value, threshold, verdict, reason and evidence survive."""
    (run_id,), (series_id,) = make_runs(database, 1), make_series(database, 1)
    result = drift(0.1 + 0.2, Verdict.FAIL)

    save(log, run_id, series_id, result)

    assert latest(log, "drift", [series_id]) == {series_id: result}


def test_a_resumed_run_says_the_last_word(log: PostgresCheckLog, database: Database) -> None:
    """The same check of the same run is replaced."""
    (run_id,), (series_id,) = make_runs(database, 1), make_series(database, 1)

    save(log, run_id, series_id, drift(1.0))
    save(log, run_id, series_id, drift(2.0))

    assert latest(log, "drift", [series_id])[series_id].value == 2.0


def test_the_latest_before_a_run_leaves_that_run_out(log: PostgresCheckLog, database: Database) -> None:
    """A resumed run does not take its own result for yesterday's."""
    runs, (series_id, other) = make_runs(database, 3), make_series(database, 2)
    for day, run_id in enumerate(runs):
        save(log, run_id, series_id, drift(float(day)), days=day)

    assert latest(log, "drift", [series_id, other])[series_id].value == 2.0
    assert latest(log, "drift", [series_id], before_run_id=runs[2])[series_id].value == 1.0
    assert latest(log, "drift", [series_id, other], before_run_id=runs[0]) == {}


def test_a_result_of_a_clock_that_was_ahead_is_not_the_latest(log: PostgresCheckLog, database: Database) -> None:
    """Up to a time what was checked later does not count."""
    runs, (series_id,) = make_runs(database, 2), make_series(database, 1)
    save(log, runs[0], series_id, drift(1.0))
    save(log, runs[1], series_id, drift(2.0), days=9999)

    (found,) = log.latest_of_each([series_id], until=NOW + timedelta(days=1))[series_id]

    assert found.result.value == 1.0


def test_the_latest_of_each_check_may_come_from_different_runs(log: PostgresCheckLog, database: Database) -> None:
    """The health check and the degradation check save theirs apart."""
    runs, (series_id,) = make_runs(database, 2), make_series(database, 1)
    save(log, runs[0], series_id, drift(1.0))
    save(log, runs[0], series_id, drift(2.0, check="age"))
    save(log, runs[1], series_id, drift(3.0, check="age"), days=1)

    found = log.latest_of_each([series_id])[series_id]

    assert {check.result.check: check.result.value for check in found} == {"drift": 1.0, "age": 3.0}


def test_thousands_of_results_are_one_statement(log: PostgresCheckLog, database: Database) -> None:
    """A whole shard with all its checks is saved and read."""
    (run_id,), series = make_runs(database, 1), make_series(database, 500)
    checks = [
        SeriesCheck(series_id=series_id, model_id=None, result=drift(float("inf"), check=f"check_{number}"))
        for series_id in series
        for number in range(13)
    ]

    log.save(run_id, checks, at=NOW)

    assert latest(log, "check_12", series).keys() == set(series)
    assert latest(log, "check_12", series)[series[0]].value is None


def test_nothing_to_save_is_nothing(log: PostgresCheckLog) -> None:
    """An empty shard needs no statement."""
    log.save(1, [], at=NOW)

    assert latest(log, "drift", []) == {}
