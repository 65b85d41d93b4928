"""Checks of the model itself: is it there, is it young, does it score, quickly, rightly and not too loudly."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ml_core.domain.checks.chance import poisson_lower_bound
from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.grading import grade_high, not_judged
from ml_core.domain.durations import in_words
from ml_core.domain.figures import tell_apart
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.reviews.detection_quality import Estimate, estimate_quality
from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS

SECONDS_A_DAY = 86_400.0


def check_artifact(problem: str | None) -> CheckResult:
    """Whether the stored model can be read, has its checksum and answers; `problem` says why not."""
    if problem is None:
        return CheckResult(check=CheckName.ARTIFACT, verdict=Verdict.OK, reason="the artifact is whole and answers")
    return CheckResult(check=CheckName.ARTIFACT, verdict=Verdict.FAIL, reason=problem)


def check_age(trained_at: datetime | None, *, now: datetime, policy: HealthPolicy) -> CheckResult:
    """How long ago the model was trained."""
    if trained_at is None:
        return not_judged(CheckName.AGE, "it is not recorded when the model was trained")
    age_days = (now - trained_at).total_seconds() / SECONDS_A_DAY
    verdict, threshold = grade_high(age_days, policy.stale_age_days, policy.failed_age_days)
    age, _ = tell_apart(age_days, policy.stale_age_days, digits=1)
    return CheckResult(
        check=CheckName.AGE,
        verdict=verdict,
        reason=f"the model was trained {age} days ago; {policy.stale_age_days:g} are the most",
        value=age_days,
        threshold=threshold,
        evidence={"trained_at": trained_at.isoformat()},
    )


def check_alarm_rate(
    *, episodes: int, scored: int, expected_alarm_rate: float | None, policy: HealthPolicy
) -> CheckResult:
    """Episodes against those that the target rate allows, as far as more than chance makes them."""
    if expected_alarm_rate is None:
        return not_judged(CheckName.ALARM_RATE, "the model has no target alarm rate")
    if scored == 0:
        return not_judged(CheckName.ALARM_RATE, "no reading was scored")
    expected = expected_alarm_rate * scored
    # Of the rates that are compatible with so few episodes the smallest is judged.
    ratio = poisson_lower_bound(episodes, policy.chance_level) / expected
    verdict, threshold = grade_high(ratio, policy.alarm_rate_warn_ratio, policy.alarm_rate_fail_ratio)
    return CheckResult(
        check=CheckName.ALARM_RATE,
        verdict=verdict,
        reason=f"{episodes} alarm episodes in {scored} readings; about {expected:.2g} are expected",
        value=episodes / expected,
        threshold=threshold,
        evidence={"episodes": episodes, "scored": scored, "expected": expected, "ratio_at_least": ratio},
    )


def check_scoring_stalled(
    *,
    newest_at: datetime | None,
    watermark: datetime | None,
    serving_since: datetime | None,
    interval_s: float | None,
    policy: HealthPolicy,
) -> CheckResult:
    """Whether readings arrive that nobody scores."""
    if newest_at is None:
        return not_judged(CheckName.SCORING_STALLED, "there are no readings to score")
    scored_to = max((at for at in (watermark, serving_since) if at is not None), default=None)
    threshold = max(policy.lag_fail_intervals * (interval_s or 0.0), policy.lag_fail_min_s)
    behind_s = None if scored_to is None else max(0.0, (newest_at - scored_to).total_seconds())
    stalled = behind_s is None or behind_s > threshold
    if behind_s is None or (stalled and watermark is None):
        reason = "readings arrive but none has ever been scored"
    else:
        reason = f"scoring is {in_words(behind_s)} behind the newest reading"
    return CheckResult(
        check=CheckName.SCORING_STALLED,
        verdict=Verdict.FAIL if stalled else Verdict.OK,
        reason=reason,
        value=behind_s,
        threshold=threshold,
        evidence={
            "newest_at": newest_at.isoformat(),
            "watermark": None if watermark is None else watermark.isoformat(),
        },
    )


def check_training_failures(failures: int, *, fail_from: int, reason: str | None) -> CheckResult:
    """Trainings that failed one after another."""
    if failures == 0:
        words, verdict = "the last training did not fail", Verdict.OK
    else:
        verdict = Verdict.FAIL if failures >= fail_from else Verdict.WARN
        because = f": {reason}" if reason else ""
        words = f"{failures} training{'s' if failures > 1 else ''} failed in a row{because}"
    return CheckResult(
        check=CheckName.TRAINING_FAILURES,
        verdict=verdict,
        reason=words,
        value=float(failures),
        threshold=float(fail_from if verdict is Verdict.FAIL else 1),
    )


def check_latency(p95_ms: float | None, *, calls: int, policy: HealthPolicy) -> CheckResult:
    """95th percentile of the wall time of scoring calls, as the upper bound of its bucket."""
    if p95_ms is None or calls < policy.min_latency_calls:
        return not_judged(CheckName.LATENCY, f"{calls} scoring calls are too few for a p95", value=float(calls))
    verdict, threshold = grade_high(p95_ms, policy.latency_warn_ms, policy.latency_fail_ms)
    # The slowest bucket is open, and infinity is no number for people or JSON.
    most = LATENCY_BOUNDS_MS[-1]
    words = f"at most {p95_ms:g} ms" if p95_ms <= most else f"over {most:g} ms"
    return CheckResult(
        check=CheckName.LATENCY,
        verdict=verdict,
        reason=f"95 % of {calls} scoring calls took {words}",
        value=min(p95_ms, most),
        threshold=threshold,
        evidence={"calls": calls},
    )


def check_accuracy(counts: VerdictCounts, *, scored: int, flagged: int, policy: HealthPolicy) -> CheckResult:
    """Share of readings told rightly, where people looked at enough alarms and at enough quiet hours."""
    quality = estimate_quality(counts, scored=scored, flagged=flagged, min_reviews=policy.min_verdicts)
    rate = quality.accuracy
    if rate.value is None:
        return _too_few_verdicts(CheckName.ACCURACY, counts, policy)
    return CheckResult(
        check=CheckName.ACCURACY,
        verdict=Verdict.WARN if rate.value < policy.accuracy_warn else Verdict.OK,
        reason=f"{rate} of the readings were told rightly",
        value=rate.value,
        threshold=policy.accuracy_warn,
        evidence=_describe(rate, scored, flagged),
    )


def check_false_positive_rate(counts: VerdictCounts, *, scored: int, flagged: int, policy: HealthPolicy) -> CheckResult:
    """False alarms over all normal readings, where people looked at enough alarms."""
    quality = estimate_quality(counts, scored=scored, flagged=flagged, min_reviews=policy.min_verdicts)
    rate = quality.false_positive_rate
    # Counted from the few alarms there were, it is true and yet no reason to call a model ill.
    if rate.value is None or rate.n < policy.min_verdicts:
        return _too_few_verdicts(CheckName.FALSE_POSITIVE_RATE, counts, policy)
    verdict, threshold = grade_high(rate.value, policy.false_positive_rate_warn, policy.false_positive_rate_fail)
    return CheckResult(
        check=CheckName.FALSE_POSITIVE_RATE,
        verdict=verdict,
        reason=f"about {rate} of normal readings were called anomalous",
        value=rate.value,
        threshold=threshold,
        evidence=_describe(rate, scored, flagged) | {"precision": quality.precision.value},
    )


def _describe(rate: Estimate, scored: int, flagged: int) -> dict[str, Any]:
    return {"reviews": rate.n, "low": rate.low, "high": rate.high, "scored": scored, "flagged": flagged}


def _too_few_verdicts(check: CheckName, counts: VerdictCounts, policy: HealthPolicy) -> CheckResult:
    told = f"{counts.reviews} episodes of alarms and {counts.audited} audited hours were looked at by people"
    return CheckResult(
        check=check,
        verdict=Verdict.UNKNOWN,
        reason=f"{told}; not enough reviews to say ({policy.min_verdicts} are needed)",
        threshold=float(policy.min_verdicts),
        evidence={"reviews": counts.reviews, "audited": counts.audited},
    )
