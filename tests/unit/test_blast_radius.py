"""How much one purge may remove unasked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.blast_radius import BlastRadius
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.retention import PurgePlan

POLICY = RetentionPolicy()


def expect(series: int, days: float | None) -> BlastRadius:
    """What is expected of so many series after so many days without a purge, with a weekly retrain."""
    return BlastRadius.expect(series=series, days_since_last=days, retrain_days=7.0, policy=POLICY)


def test_a_small_site_may_lose_twenty_models() -> None:
    """The floor of the policy."""
    assert expect(10, 1).removals == 20


def test_a_large_site_may_lose_twice_what_a_day_of_retraining_replaces() -> None:
    """7,000 series with a weekly retrain replace 1,000 models a day."""
    assert expect(7000, 1).removals == 2000


def test_days_without_a_purge_are_made_up_for() -> None:
    """A host that was down for three days removes three days' worth in its one catch-up."""
    assert expect(7000, 3).removals == 6000


@given(series=st.integers(21, 100_000), days=st.floats(3, 1e6))
def test_a_clock_that_leapt_ahead_does_not_let_one_version_of_every_series_go(series: int, days: float) -> None:
    """However far it leapt."""
    assert expect(series, days).removals < series


@given(days=st.floats(-1e6, 1))
def test_a_clock_that_went_back_counts_as_a_day(days: float) -> None:
    """The next purge is an ordinary one."""
    assert expect(7000, days) == expect(7000, 1)


def test_one_month_of_detections_goes_unasked_and_two_do_not() -> None:
    """A retention that somebody shortened by mistake drops many at once."""
    two = PurgePlan(partitions=("anomaly_detections_2024_01", "anomaly_detections_2024_02"))

    assert expect(10, 1).holds(PurgePlan(partitions=two.partitions[:1]))
    assert not expect(10, 1).holds(two)


def test_a_sites_first_purge_drops_no_detections_unasked() -> None:
    """What was there before this program came is not its own to drop."""
    assert not expect(10, None).holds(PurgePlan(partitions=("anomaly_detections_adopted",)))


def test_orphans_count_as_models_do() -> None:
    """A registry that was emptied by mistake makes every artifact an orphan."""
    orphans = tuple(f"{i:064x}" for i in range(21))

    assert expect(10, 1).holds(PurgePlan(orphans=orphans[:20]))
    assert not expect(10, 1).holds(PurgePlan(orphans=orphans))
