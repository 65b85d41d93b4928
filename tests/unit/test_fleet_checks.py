"""Checks of the platform as a whole."""

from datetime import UTC, datetime, timedelta

import pytest

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.fleet_checks import check_heartbeat, check_store_size
from ml_core.domain.policies import HealthPolicy

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(("size", "verdict"), [(1_000_000_000, Verdict.OK), (1_000_000_001, Verdict.WARN)])
def test_store_size_warns_above_a_gigabyte(size: int, verdict: Verdict) -> None:
    """Over the site's bound it says what to do."""
    result = check_store_size(size, policy=HealthPolicy())

    assert result.verdict is verdict
    assert ("ml_purge" in result.reason) is (verdict is Verdict.WARN)


@pytest.mark.parametrize(("hours", "verdict"), [(24, Verdict.OK), (26, Verdict.OK), (26.1, Verdict.FAIL)])
def test_heartbeat_fails_after_a_missed_day(hours: float, verdict: Verdict) -> None:
    """A daily check that is more than 26 hours ago was missed."""
    assert check_heartbeat(NOW - timedelta(hours=hours), now=NOW, policy=HealthPolicy()).verdict is verdict


def test_the_first_check_ever_misses_nothing() -> None:
    """A new site begins without a finding."""
    assert check_heartbeat(None, now=NOW, policy=HealthPolicy()).verdict is Verdict.OK
