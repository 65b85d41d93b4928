"""All checks of one series, from what was loaded of it."""

from __future__ import annotations

from datetime import datetime

from ml_core.domain.checks.check import CheckResult
from ml_core.domain.checks.data_checks import LiveWindow, check_coverage, check_lag
from ml_core.domain.checks.model_checks import (
    check_accuracy,
    check_age,
    check_alarm_rate,
    check_false_positive_rate,
    check_latency,
    check_scoring_stalled,
    check_training_failures,
)
from ml_core.domain.checks.range_check import check_out_of_range
from ml_core.domain.checks.unit_change import check_unit_change
from ml_core.domain.checks.value_checks import check_flatline
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.training.training_profile import TrainingProfile
from ml_core.services.health.live_evidence import LiveEvidence


def check_modelled(
    record: SeriesRecord,
    model: ModelVersion,
    artifact: CheckResult,
    live: LiveEvidence,
    *,
    policy: HealthPolicy,
    max_failures: int,
    now: datetime,
) -> list[CheckResult]:
    """Every check of a series that has a serving model."""
    profile = TrainingProfile.of_model(model)
    newest_at = newest_reading(record, live.window, now=now)
    lag = check_lag(newest_at, now=now, interval_s=profile.median_interval_s, policy=policy)
    out_of_range = check_out_of_range(live.window, profile, policy=policy)
    reviewed = {"scored": live.reviewed.scored, "flagged": live.reviewed.anomalies}
    return [
        artifact,
        check_age(model.trained_at, now=now, policy=policy),
        lag,
        check_coverage(live.window, profile, lag=lag.verdict, policy=policy),
        check_flatline(live.window, profile, policy=policy),
        out_of_range,
        check_unit_change(live.window, profile, out_of_range=out_of_range.verdict, metric=record.key.metric),
        check_alarm_rate(
            episodes=live.activity.episodes,
            scored=live.activity.scored,
            expected_alarm_rate=profile.expected_alarm_rate,
            policy=policy,
        ),
        check_scoring_stalled(
            newest_at=live.window.newest_at,
            watermark=live.activity.watermark,
            serving_since=model.promoted_at,
            interval_s=profile.median_interval_s,
            policy=policy,
        ),
        check_training_failures(record.training_failures, fail_from=max_failures, reason=record.state_reason),
        check_latency(live.activity.latency_p95_ms, calls=live.activity.calls, policy=policy),
        check_accuracy(live.verdicts, policy=policy, **reviewed),
        check_false_positive_rate(live.verdicts, policy=policy, **reviewed),
    ]


def check_unmodelled(
    record: SeriesRecord, window: LiveWindow, *, policy: HealthPolicy, max_failures: int, now: datetime
) -> list[CheckResult]:
    """What can be said of a series without a model: whether it delivers, and whether training fails."""
    interval_s = window.readings.median_interval_s()
    newest_at = newest_reading(record, window, now=now)
    return [
        check_lag(newest_at, now=now, interval_s=interval_s, policy=policy),
        check_training_failures(record.training_failures, fail_from=max_failures, reason=record.state_reason),
    ]


def newest_reading(record: SeriesRecord, window: LiveWindow, *, now: datetime) -> datetime | None:
    """When the newest reading was taken, which may be older than the window; a time yet to come is no news."""
    known = (window.newest_at, record.newest_reading_at)
    return max((at for at in known if at is not None and at <= now), default=None)
