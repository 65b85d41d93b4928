"""Whether a model was far louder on its first day than the one it replaced would have been."""

from __future__ import annotations

from datetime import datetime, timedelta

from ml_core.domain.gate.alarm_counts import count_alarms
from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.model_version import ModelVersion, TrainingCause
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings

DAY = timedelta(days=1)
JITTER = timedelta(hours=2)
"""Runs a day apart are never exactly a day apart."""


def is_first_day_over(champion: ModelVersion, now: datetime) -> bool:
    """Whether its first day has just ended; a model of a new regime is louder or quieter with reason."""
    if champion.promoted_at is None or champion.cause in (TrainingCause.DEGRADED, TrainingCause.PERSON):
        return False
    return DAY - JITTER <= now - champion.promoted_at < 2 * DAY - JITTER


def replaced_by(champion: ModelVersion, retired: list[ModelVersion]) -> ModelVersion | None:
    """The older version that stepped down when this one was promoted; None after a roll back, which is no first day."""
    return next(
        (it for it in retired if it.retired_at == champion.promoted_at and it.version < champion.version),
        None,
    )


def check_first_day(
    champion: Contender,
    former: Contender,
    live: Readings,
    *,
    target_alarm_rate: float,
    max_ratio: float,
    gate: GatePolicy,
) -> GateCheck:
    """Alarms of both on the same readings; what chance explains is never too loud."""
    own, before = count_alarms(champion, live), count_alarms(former, live)
    by_chance = own.most_by_chance(target_alarm_rate, gate.max_chance)
    most = max_ratio * max(before.episodes, 1)
    return GateCheck(
        name="alarms of the first day",
        passed=own.episodes <= max(most, by_chance),
        value=own.episodes,
        threshold=max(most, by_chance),
        reason=f"{own.words} on its first {len(live)} readings, the version before gives {before.words}",
    )
