"""The names of all checks: what results, findings, incidents and dashboards call them."""

from __future__ import annotations

from enum import StrEnum


class CheckName(StrEnum):
    """One name a check; equal to its plain text."""

    ARTIFACT = "artifact"
    AGE = "age"
    LAG = "lag"
    COVERAGE = "coverage"
    FLATLINE = "flatline"
    OUT_OF_RANGE = "out_of_range"
    UNIT_CHANGE = "unit_change"
    ALARM_RATE = "alarm_rate"
    SCORING_STALLED = "scoring_stalled"
    TRAINING_FAILURES = "training_failures"
    RETRAIN_REJECTED = "retrain_rejected"
    """Warns while the newest attempt to retrain a series was refused."""
    LATENCY = "latency"
    ACCURACY = "accuracy"
    FALSE_POSITIVE_RATE = "false_positive_rate"
    DRIFT = "drift"
    COMMON_MODE_DRIFT = "common_mode_drift"
    """Of the fleet: many series of one metric or site drift together."""
    DRIFT_CANARY = "drift_canary"
    """Of the fleet: the drift test speaks where nothing has drifted."""
    STORE_SIZE = "store_size"
    """Of the fleet."""
    HEARTBEAT = "heartbeat"
    """Of the fleet."""
