"""Which slot is due is decided from what has run."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.due import due_slot, jitter_of
from ml_core.domain.task import Outcome

DAILY = "0 2 * * *"
SLOT = datetime(2026, 5, 4, 2, tzinfo=UTC)


def due(now: datetime, outcome: Outcome | None = None, attempt: int = 1, change: datetime | None = None) -> object:
    """The due slot with three retries, ten minutes apart at first, and five minutes of jitter."""
    return due_slot(
        DAILY,
        now,
        jitter=timedelta(minutes=5),
        outcome=outcome,
        attempt=attempt,
        last_change=change,
        retries=3,
        backoff_s=600,
    )


def test_a_slot_without_a_run_is_due_after_its_jitter() -> None:
    """The jitter delays the start, the slot stays the scheduled moment."""
    assert due(SLOT + timedelta(minutes=4)) is None
    assert due(SLOT + timedelta(minutes=5)) == SLOT


def test_a_finished_slot_is_not_due_again() -> None:
    """Succeeded and skipped runs close their slot."""
    later = SLOT + timedelta(hours=5)

    assert due(later, Outcome.SUCCEEDED) is None
    assert due(later, Outcome.SKIPPED) is None


def test_a_failed_slot_is_tried_again_after_a_growing_wait_until_retries_end() -> None:
    """Ten minutes after the first failure, twenty after the second, never after the fourth attempt."""
    failed = SLOT + timedelta(minutes=10)

    assert due(failed + timedelta(minutes=9), Outcome.FAILED, 1, failed) is None
    assert due(failed + timedelta(minutes=10), Outcome.FAILED, 1, failed) == SLOT
    assert due(failed + timedelta(minutes=19), Outcome.PARTIAL, 2, failed) is None
    assert due(failed + timedelta(minutes=20), Outcome.PARTIAL, 2, failed) == SLOT
    assert due(failed + timedelta(hours=20), Outcome.FAILED, 4, failed) is None


def test_days_of_downtime_are_made_up_by_one_run() -> None:
    """Only the latest slot is due, however many were missed."""
    assert due(SLOT + timedelta(days=3, hours=1)) == SLOT + timedelta(days=3)


def test_a_run_whose_process_died_is_taken_over_after_the_same_wait() -> None:
    """A row that says running is due like one that failed at its start: attempts are not spent within a minute."""
    begun = SLOT + timedelta(minutes=6)

    assert due(begun + timedelta(minutes=9), Outcome.RUNNING, 1, begun) is None
    assert due(begun + timedelta(minutes=10), Outcome.RUNNING, 1, begun) == SLOT
    assert due(begun + timedelta(minutes=19), Outcome.RUNNING, 2, begun) is None


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 4000))
def test_jitter_is_fixed_and_bounded(task: str, site: str, jitter_s: int) -> None:
    """The same task at the same site waits the same time, within its bound."""
    jitter = jitter_of(task, site, jitter_s)

    assert jitter == jitter_of(task, site, jitter_s)
    assert timedelta(0) <= jitter <= timedelta(seconds=max(jitter_s - 1, 0))
