"""What is wrong, since when, on real PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from ml_core.adapters.ledgers.finding_ledger import PostgresFindingLedger
from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent
from ml_core.ports.finding_ledger import FindingChanges

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = SeriesKey(device="PUMP-1", metric="flow")


@pytest.fixture
def ledger(database: Database) -> PostgresFindingLedger:
    """The ledger of a fresh database."""
    return PostgresFindingLedger(database)


@pytest.fixture
def series_id(database: Database) -> int:
    """One known series."""
    registry = PostgresSeriesRegistry(database)
    registry.register([SeriesExtent(key=KEY, first_at=NOW, newest_at=NOW, readings=1)], at=NOW)
    return registry.list_series()[0].series_id


def wrong(series_id: int | None, check: str = "lag", severity: Severity = Severity.CRITICAL) -> Observation:
    """Something is wrong."""
    return Observation(
        check=check,
        series_id=series_id,
        severity=severity,
        message="no reading since noon",
        value=3600.0,
        threshold=1800.0,
        evidence={"newest_at": "noon"},
    )


def fine(series_id: int | None, check: str = "lag") -> Observation:
    """It is fine again."""
    return Observation(check=check, series_id=series_id, severity=None, message="readings arrive")


def test_a_finding_opens_with_all_that_is_known(ledger: PostgresFindingLedger, series_id: int) -> None:
    """Words, figures, evidence and the series' name are read back."""
    changes = ledger.observe([wrong(series_id)], at=NOW)
    (finding,) = ledger.list_open(now=NOW)

    assert changes == FindingChanges(opened=1, refreshed=0, resolved=0)
    assert (finding.check, finding.key, finding.severity) == ("lag", KEY, Severity.CRITICAL)
    assert (finding.message, finding.value, finding.threshold) == ("no reading since noon", 3600.0, 1800.0)
    assert finding.evidence == {"newest_at": "noon"}
    assert (finding.opened_at, finding.seen_at, finding.occurrences, finding.sequence) == (NOW, NOW, 1, 1)


def test_seen_again_it_is_refreshed_and_keeps_its_beginning(ledger: PostgresFindingLedger, series_id: int) -> None:
    """Since when and the identity stay; words and severity are today's."""
    ledger.observe([wrong(series_id)], at=NOW)
    (first,) = ledger.list_open(now=NOW)
    today = replace(wrong(series_id, severity=Severity.WARNING), message="it is late", value=900.0)

    changes = ledger.observe([today], at=NOW + DAY)
    (again,) = ledger.list_open(now=NOW)

    assert changes == FindingChanges(opened=0, refreshed=1, resolved=0)
    assert (again.finding_id, again.opened_at, again.seen_at) == (first.finding_id, NOW, NOW + DAY)
    assert (again.message, again.severity, again.value, again.occurrences) == (
        "it is late",
        Severity.WARNING,
        900.0,
        2,
    )


def test_fine_again_it_is_resolved_with_its_reason(ledger: PostgresFindingLedger, series_id: int) -> None:
    """A resolved finding is no longer open, and can still be found."""
    ledger.observe([wrong(series_id)], at=NOW)
    (opened,) = ledger.list_open(now=NOW)

    changes = ledger.observe([fine(series_id)], at=NOW + DAY)
    found = ledger.find(opened.finding_id)

    assert changes == FindingChanges(opened=0, refreshed=0, resolved=1)
    assert ledger.list_open(now=NOW) == []
    assert found is not None
    assert (found.resolved_at, found.resolved_reason) == (NOW + DAY, "readings arrive")


def test_no_finding_ends_before_it_began(ledger: PostgresFindingLedger, series_id: int) -> None:
    """One that was opened by a clock ahead of its time is resolved all the same, at its own beginning."""
    ledger.observe([wrong(series_id)], at=NOW + DAY)
    (opened,) = ledger.list_open(now=NOW)

    ledger.observe([fine(series_id)], at=NOW)
    found = ledger.find(opened.finding_id)

    assert found is not None
    assert found.resolved_at == found.opened_at == NOW + DAY


def test_each_recurrence_has_its_own_number(ledger: PostgresFindingLedger, series_id: int) -> None:
    """A host that closed the first must be able to take the second."""
    sequences = []
    for day in range(3):
        ledger.observe([wrong(series_id)], at=NOW + day * DAY)
        sequences.append(ledger.list_open(now=NOW)[0].sequence)
        ledger.observe([fine(series_id)], at=NOW + day * DAY)

    assert sequences == [1, 2, 3]


def test_checks_and_series_are_apart(ledger: PostgresFindingLedger, series_id: int) -> None:
    """One check's recovery leaves another's finding alone; the fleet itself is a scope of its own."""
    ledger.observe([wrong(series_id), wrong(series_id, "age"), wrong(None)], at=NOW)

    changes = ledger.observe([fine(series_id), wrong(series_id, "age"), wrong(None, "heartbeat")], at=NOW + DAY)

    assert changes == FindingChanges(opened=1, refreshed=1, resolved=1)
    assert {(finding.check, finding.series_id) for finding in ledger.list_open(now=NOW)} == {
        ("age", series_id),
        ("lag", None),
        ("heartbeat", None),
    }


def test_only_the_asked_checks_are_listed(ledger: PostgresFindingLedger, series_id: int) -> None:
    """None asks for all, an empty list for none."""
    ledger.observe([wrong(series_id), wrong(series_id, "age")], at=NOW)

    assert [finding.check for finding in ledger.list_open(now=NOW, checks=["age", "drift"])] == ["age"]
    assert ledger.list_open(now=NOW, checks=[]) == []


@pytest.mark.parametrize(("hours", "muted"), [(-1, False), (0, False), (1, True)])
def test_muting_is_told_at_read(
    ledger: PostgresFindingLedger, database: Database, series_id: int, hours: int, muted: bool
) -> None:
    """A muted series' findings stay in the ledger and are marked until the time is over."""
    ledger.observe([wrong(series_id)], at=NOW)
    PostgresSeriesRegistry(database).mute(KEY, until=NOW + timedelta(hours=hours), reason="works")

    assert ledger.list_open(now=NOW)[0].muted is muted


def test_of_two_words_on_one_thing_the_last_counts(ledger: PostgresFindingLedger, series_id: int) -> None:
    """A batch that says both opens nothing."""
    changes = ledger.observe([wrong(series_id), fine(series_id)], at=NOW)

    assert changes == FindingChanges(opened=0, refreshed=0, resolved=0)


def test_two_tasks_that_open_the_same_at_once_make_one_finding(
    ledger: PostgresFindingLedger, database: Database, series_id: int
) -> None:
    """Writers wait for each other: one opens, the other refreshes."""
    changes: list[FindingChanges] = []

    def observe(observations: Sequence[Observation]) -> None:
        changes.append(ledger.observe(observations, at=NOW))

    threads = [Thread(target=observe, args=([wrong(series_id)],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(change.opened for change in changes) == 1
    assert sum(change.refreshed for change in changes) == 7
    assert ledger.list_open(now=NOW)[0].occurrences == 8
    database.close()


def test_an_unknown_finding_is_none(ledger: PostgresFindingLedger) -> None:
    """A number that was never given finds nothing."""
    assert ledger.find(4711) is None
