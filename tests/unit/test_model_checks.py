"""Is the model there, young, scoring, quick, right and quiet enough?"""

import math
from datetime import UTC, datetime, timedelta

import pytest

from ml_core.domain.checks.check import Verdict
from ml_core.domain.checks.model_checks import (
    check_accuracy,
    check_age,
    check_alarm_rate,
    check_artifact,
    check_false_positive_rate,
    check_latency,
    check_scoring_stalled,
    check_training_failures,
)
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.reviews.operator_verdict import VerdictCounts

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)
POLICY = HealthPolicy()


def test_a_whole_artifact_is_fine() -> None:
    """No problem, no finding."""
    assert check_artifact(None).verdict is Verdict.OK


def test_a_damaged_artifact_fails_with_its_reason() -> None:
    """What is wrong with the file is what people read."""
    result = check_artifact("the checksum does not match")

    assert (result.verdict, result.reason) == (Verdict.FAIL, "the checksum does not match")


@pytest.mark.parametrize(
    ("days", "verdict"), [(7, Verdict.OK), (7.01, Verdict.WARN), (14, Verdict.WARN), (14.01, Verdict.FAIL)]
)
def test_age_warns_after_a_week_and_fails_after_two(days: float, verdict: Verdict) -> None:
    """Older than seven days is stale, older than fourteen fails."""
    result = check_age(NOW - timedelta(days=days), now=NOW, policy=POLICY)

    assert result.verdict is verdict
    assert result.value == pytest.approx(days)


def test_a_model_of_unknown_age_is_not_young() -> None:
    """Nothing recorded is unknown."""
    assert check_age(None, now=NOW, policy=POLICY).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("episodes", "scored", "verdict"),
    [
        (0, 144, Verdict.OK),
        (1, 24, Verdict.OK),
        (1, 144, Verdict.OK),
        (2, 144, Verdict.OK),
        (3, 144, Verdict.WARN),
        (6, 144, Verdict.FAIL),
        (5, 1440, Verdict.OK),
        (12, 1440, Verdict.WARN),
        (30, 1440, Verdict.FAIL),
    ],
)
def test_alarm_rate_is_judged_beyond_chance(episodes: int, scored: int, verdict: Verdict) -> None:
    """At one alarm in a thousand readings, one episode in a day proves nothing; several do."""
    result = check_alarm_rate(episodes=episodes, scored=scored, expected_alarm_rate=0.001, policy=POLICY)

    assert result.verdict is verdict


def test_alarm_rate_without_scores_is_unknown() -> None:
    """Silence of a model that scored nothing is no silence."""
    result = check_alarm_rate(episodes=0, scored=0, expected_alarm_rate=0.001, policy=POLICY)

    assert result.verdict is Verdict.UNKNOWN


def stalled(newest_h: float | None, watermark_h: float | None, serving_h: float | None) -> Verdict:
    """The verdict where these things happened so many hours ago."""
    moments = [None if h is None else NOW - timedelta(hours=h) for h in (newest_h, watermark_h, serving_h)]
    return check_scoring_stalled(
        newest_at=moments[0], watermark=moments[1], serving_since=moments[2], interval_s=600.0, policy=POLICY
    ).verdict


@pytest.mark.parametrize(
    ("newest_h", "watermark_h", "serving_h", "verdict"),
    [
        (0, 0, 48, Verdict.OK),
        (0, 3, 48, Verdict.OK),
        (0, 4, 48, Verdict.FAIL),
        (0, None, 48, Verdict.FAIL),
        (0, None, 1, Verdict.OK),
        (0, None, None, Verdict.FAIL),
        (30, 30, 48, Verdict.OK),
        (None, 4, 48, Verdict.UNKNOWN),
    ],
)
def test_scoring_stalls_where_readings_arrive_unscored(
    newest_h: float | None, watermark_h: float | None, serving_h: float | None, verdict: Verdict
) -> None:
    """Readings beyond the watermark for longer than their lag may be; a model that just began has time."""
    assert stalled(newest_h, watermark_h, serving_h) is verdict


@pytest.mark.parametrize(
    ("failures", "verdict"), [(0, Verdict.OK), (1, Verdict.WARN), (2, Verdict.WARN), (3, Verdict.FAIL)]
)
def test_training_failures_warn_and_then_fail(failures: int, verdict: Verdict) -> None:
    """One failure warns, three in a row fail."""
    assert check_training_failures(failures, fail_from=3, reason="disk full").verdict is verdict


def test_training_failures_tell_why() -> None:
    """The last reason stands in the words."""
    assert check_training_failures(3, fail_from=3, reason="disk full").reason == (
        "3 trainings failed in a row: disk full"
    )


@pytest.mark.parametrize(
    ("p95_ms", "verdict"),
    [(50.0, Verdict.OK), (50.1, Verdict.WARN), (100.0, Verdict.WARN), (200.0, Verdict.FAIL), (math.inf, Verdict.FAIL)],
)
def test_latency_is_held_against_its_bounds(p95_ms: float, verdict: Verdict) -> None:
    """Over 50 ms warns, over 100 ms fails; the open bucket is told as a finite figure."""
    result = check_latency(p95_ms, calls=288, policy=POLICY)

    assert result.verdict is verdict
    assert result.value is not None
    assert math.isfinite(result.value)


@pytest.mark.parametrize(("p95_ms", "calls"), [(None, 0), (200.0, 19)])
def test_few_calls_have_no_p95(p95_ms: float | None, calls: int) -> None:
    """A cold start is no latency."""
    assert check_latency(p95_ms, calls=calls, policy=POLICY).verdict is Verdict.UNKNOWN


def audited(*, confirmed: int = 0, false_alarm: int = 0, missed: int = 0, normal: int = 0) -> VerdictCounts:
    """Reviews of so many episodes of one alarm, and audits of so many hours that stand for one reading each."""
    return VerdictCounts(
        confirmed=confirmed,
        false_alarm=false_alarm,
        reviews=confirmed + false_alarm,
        alarm_squares=confirmed + false_alarm,
        missed=missed,
        normal=normal,
        audit_weight=missed + normal,
        normal_weight=normal,
        audit_weight_squares=missed + normal,
    )


def test_too_few_verdicts_are_unknown_and_counted() -> None:
    """Below twenty verdicts no rate is spoken of, and n is told."""
    counts = audited(confirmed=10, false_alarm=5, normal=4)

    for check in (check_accuracy, check_false_positive_rate):
        result = check(counts, scored=1000, flagged=20, policy=POLICY)
        assert result.verdict is Verdict.UNKNOWN
        assert "15 episodes of alarms and 4 audited hours" in result.reason
        assert "not enough reviews" in result.reason


def test_accuracy_needs_quiet_readings_too() -> None:
    """Reviews of alarms alone say nothing of what was missed."""
    counts = audited(confirmed=40)

    assert check_accuracy(counts, scored=1000, flagged=50, policy=POLICY).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("missed", "verdict"), [(0, Verdict.OK), (5, Verdict.WARN)])
def test_accuracy_weighs_alarms_and_quiet_readings_by_their_shares(missed: int, verdict: Verdict) -> None:
    """Half of the reviewed alarms false hardly matters where alarms are rare; missed anomalies do."""
    counts = audited(confirmed=10, false_alarm=10, missed=missed, normal=20 - missed)

    result = check_accuracy(counts, scored=10_000, flagged=20, policy=POLICY)

    assert result.verdict is verdict
    assert result.value == pytest.approx((10 + 9980 * (20 - missed) / 20) / 10_000)


@pytest.mark.parametrize(("flagged", "verdict"), [(100, Verdict.OK), (1500, Verdict.WARN), (3000, Verdict.FAIL)])
def test_false_positive_rate_is_over_normal_readings(flagged: int, verdict: Verdict) -> None:
    """It is not one minus the precision: false alarms are set against all normal readings."""
    counts = audited(confirmed=10, false_alarm=10)

    assert check_false_positive_rate(counts, scored=10_000, flagged=flagged, policy=POLICY).verdict is verdict


def test_a_few_alarms_that_were_all_reviewed_judge_no_model() -> None:
    """Their false alarms can be counted, and yet one bad evening is no reason to call a model ill."""
    counts = audited(false_alarm=3)

    assert check_false_positive_rate(counts, scored=100, flagged=3, policy=POLICY).verdict is Verdict.UNKNOWN
