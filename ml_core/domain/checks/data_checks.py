"""Checks of what a sensor delivers: does it arrive, and in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.grading import grade_high, not_judged
from ml_core.domain.durations import in_words
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series import Readings, to_datetime
from ml_core.domain.training.training_profile import TrainingProfile


@dataclass(frozen=True, kw_only=True)
class LiveWindow:
    """What a series delivered lately: its readings with start < timestamp <= end."""

    start: datetime
    end: datetime
    readings: Readings

    @property
    def newest_at(self) -> datetime | None:
        """When the newest reading was taken; None without any."""
        return to_datetime(self.readings.timestamps[-1]) if len(self.readings) else None

    @property
    def length(self) -> timedelta:
        """How long it looks back."""
        return self.end - self.start

    @property
    def words(self) -> str:
        """The window for people."""
        return f"the last {in_words(self.length.total_seconds())}"


def live_window_length(interval_s: float | None, policy: HealthPolicy) -> timedelta:
    """A day; where a series reads seldom, as long as it takes to expect enough readings, up to a bound.

    `interval_s` None: nothing is known, so it looks back as far as it may.
    """
    least, most = timedelta(hours=policy.live_hours), timedelta(days=policy.widened_days)
    if interval_s is None:
        return max(least, most)
    wanted_s = min(policy.min_live_readings * interval_s, most.total_seconds())
    return max(least, timedelta(seconds=wanted_s))


def check_lag(
    newest_at: datetime | None, *, now: datetime, interval_s: float | None, policy: HealthPolicy
) -> CheckResult:
    """How long the newest reading is ago, against the series' own interval."""
    if newest_at is None:
        return CheckResult(check=CheckName.LAG, verdict=Verdict.FAIL, reason="no reading has arrived at all")
    lag_s = max(0.0, (now - newest_at).total_seconds())
    told = f"the newest reading came {in_words(lag_s)} ago"
    evidence = {"newest_at": newest_at.isoformat(), "interval_s": interval_s}
    if interval_s is None:
        # Without an interval nothing is late until the whole look back is empty.
        fail_s = timedelta(days=policy.widened_days).total_seconds()
        verdict = Verdict.FAIL if lag_s > fail_s else Verdict.UNKNOWN
        reason = told if verdict is Verdict.FAIL else f"{told}; how often to expect one is not known yet"
        return CheckResult(
            check=CheckName.LAG, verdict=verdict, reason=reason, value=lag_s, threshold=fail_s, evidence=evidence
        )
    fail_s = max(policy.lag_fail_intervals * interval_s, policy.lag_fail_min_s)
    # The floor holds for the warning in proportion: a one-second series is not late after five seconds.
    floor_s = policy.lag_fail_min_s * policy.lag_warn_intervals / policy.lag_fail_intervals
    warn_s = max(policy.lag_warn_intervals * interval_s, floor_s)
    verdict, threshold = grade_high(lag_s, warn_s, fail_s)
    return CheckResult(
        check=CheckName.LAG,
        verdict=verdict,
        reason=f"{told}; one is expected every {in_words(interval_s)}",
        value=lag_s,
        threshold=threshold,
        evidence=evidence,
    )


def check_coverage(window: LiveWindow, profile: TrainingProfile, *, lag: Verdict, policy: HealthPolicy) -> CheckResult:
    """Share of the expected readings that arrived; a series that reads irregularly is held to its own habit."""
    if lag is Verdict.FAIL:
        return not_judged(CheckName.COVERAGE, "not judged while no data arrive")
    if profile.median_interval_s is None:
        return not_judged(CheckName.COVERAGE, "the model does not say how often readings are expected")
    habit = profile.coverage or 1.0
    expected = window.length.total_seconds() / profile.median_interval_s * habit
    coverage = len(window.readings) / expected
    verdict, threshold = Verdict.OK, policy.coverage_warn
    if coverage < policy.coverage_fail:
        verdict, threshold = Verdict.FAIL, policy.coverage_fail
    elif coverage < policy.coverage_warn:
        verdict = Verdict.WARN
    words = f"{len(window.readings)} of about {expected:.0f} expected readings arrived in {window.words}"
    return CheckResult(
        check=CheckName.COVERAGE,
        verdict=verdict,
        reason=words,
        value=coverage,
        threshold=threshold,
        evidence={"readings": len(window.readings), "expected": expected, "training_coverage": habit},
    )
