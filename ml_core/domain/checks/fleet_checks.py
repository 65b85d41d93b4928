"""Checks of the platform as a whole rather than of one series."""

from __future__ import annotations

from datetime import datetime

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.durations import in_words
from ml_core.domain.policies import HealthPolicy

MEGABYTE = 1_000_000


def check_store_size(size_bytes: int, *, policy: HealthPolicy) -> CheckResult:
    """How much the artifacts take."""
    is_large = size_bytes > policy.store_warn_bytes
    advice = "; run ml_purge or shorten the retention" if is_large else ""
    return CheckResult(
        check=CheckName.STORE_SIZE,
        verdict=Verdict.WARN if is_large else Verdict.OK,
        reason=f"model artifacts take {size_bytes / MEGABYTE:,.0f} MB, the site allows "
        f"{policy.store_warn_bytes / MEGABYTE:,.0f} MB{advice}",
        value=float(size_bytes),
        threshold=float(policy.store_warn_bytes),
    )


def check_heartbeat(last_finished_at: datetime | None, *, now: datetime, policy: HealthPolicy) -> CheckResult:
    """How long no daily check had finished before this one; the first one ever has nothing to look back at."""
    limit_h = policy.heartbeat_max_age_hours
    if last_finished_at is None:
        return CheckResult(check=CheckName.HEARTBEAT, verdict=Verdict.OK, reason="this is the first daily check")
    age_s = max(0.0, (now - last_finished_at).total_seconds())
    return CheckResult(
        check=CheckName.HEARTBEAT,
        verdict=Verdict.FAIL if age_s > limit_h * 3600 else Verdict.OK,
        reason=f"the daily check before this one finished {in_words(age_s)} ago, {limit_h:g} h are the most",
        value=age_s / 3600,
        threshold=limit_h,
        evidence={"last_finished_at": last_finished_at.isoformat()},
    )
