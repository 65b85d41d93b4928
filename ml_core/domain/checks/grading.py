"""From a figure and its bounds to a verdict."""

from __future__ import annotations

from ml_core.domain.checks.check import CheckResult, Verdict


def grade_high(value: float, warn: float, fail: float) -> tuple[Verdict, float]:
    """The verdict on a value that is better small, and the bound that it was held against."""
    if value > fail:
        return Verdict.FAIL, fail
    return (Verdict.WARN if value > warn else Verdict.OK), warn


def not_judged(check: str, reason: str, *, value: float | None = None) -> CheckResult:
    """The answer of a check that has nothing to go by."""
    return CheckResult(check=check, verdict=Verdict.UNKNOWN, reason=reason, value=value)
