"""When a series will have enough readings for its first model, and what a failed training leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.durations import in_words
from ml_core.domain.policies import TrainingPolicy
from ml_core.domain.series_record import SeriesRecord, SeriesState


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether there is enough to train on, and if not, when there will be; None where nobody can tell."""

    ready: bool
    reason: str
    trainable_at: datetime | None = None


def estimate_readiness(
    *,
    readings: int,
    first_at: datetime | None,
    newest_at: datetime | None,
    min_readings: int,
    window: timedelta,
    now: datetime,
) -> Readiness:
    """From how many readings there are and how far they lie apart; the time promised is never in the past."""
    if readings >= min_readings:
        return Readiness(ready=True, reason=f"{readings} readings are enough", trainable_at=now)
    counted = f"{readings} of {min_readings} readings"
    if readings < 2 or first_at is None or newest_at is None or newest_at <= first_at:
        return Readiness(ready=False, reason=f"{counted}; how often it reads is not known yet")
    cadence = (newest_at - first_at) / (readings - 1)
    if cadence * (min_readings - 1) > window:
        return Readiness(
            ready=False,
            reason=f"{counted}; at one every {in_words(cadence.total_seconds())} a window of {window.days} days "
            "never holds enough: widen training.window_days or lower detector.min_readings",
        )
    missing = cadence * (min_readings - readings)
    due = newest_at + missing
    return Readiness(ready=False, reason=counted, trainable_at=due if due > now else now + missing)


def may_be_tried(record: SeriesRecord, *, policy: TrainingPolicy, now: datetime) -> bool:
    """Whether a series without a model may be looked at now, whatever it holds.

    An open circuit rests; what could not be modelled is looked at again when its time has come and readings
    have come too.
    """
    if record.circuit_open_until is not None and record.circuit_open_until > now:
        return False
    if record.state is not SeriesState.UNMODELLABLE or record.trainable_at is None:
        return True
    given_up_at = record.trainable_at - timedelta(days=policy.recheck_days)
    has_changed = record.newest_reading_at is not None and record.newest_reading_at > given_up_at
    return record.trainable_at <= now and has_changed


@dataclass(frozen=True, kw_only=True)
class FailedTrainings:
    """Where a series stands after one more training failed."""

    state: SeriesState
    failures: int
    circuit_open_until: datetime | None


def count_failure(record: SeriesRecord, *, policy: TrainingPolicy, now: datetime) -> FailedTrainings:
    """One failure more; from the set number on the circuit opens. A modelled series stays modelled."""
    failures = record.training_failures + 1
    opens = failures >= policy.max_failures
    unmodelled = SeriesState.CIRCUIT_OPEN if opens else SeriesState.COLLECTING
    return FailedTrainings(
        state=SeriesState.MODELLED if record.state is SeriesState.MODELLED else unmodelled,
        failures=failures,
        circuit_open_until=now + timedelta(hours=policy.circuit_hours) if opens else None,
    )
