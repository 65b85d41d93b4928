"""The trial of a challenger on readings that came after its training."""

from __future__ import annotations

from datetime import timedelta

from ml_core.domain.figures import counted
from ml_core.domain.gate.alarm_counts import count_alarms
from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings

LEAST_SHARE = 0.5
"""Share of the readings expected in a trial that must have come for it to count."""
LEAST_READINGS = 5


def judge_trial(
    contender: Contender,
    live: Readings,
    *,
    interval_s: float | None,
    trial: timedelta,
    target_alarm_rate: float,
    gate: GatePolicy,
) -> GateCheck | None:
    """Whether its alarms on `live` are chance at the target rate; None where too few readings have come."""
    expected = trial.total_seconds() / interval_s if interval_s else float("inf")
    if len(live) < max(LEAST_SHARE * expected, LEAST_READINGS):
        return None
    count = count_alarms(contender, live)
    most = max(1, count.most_by_chance(target_alarm_rate, gate.max_chance))
    # A long row of alarms is one episode, so readings are counted too.
    most_alarms = max(gate.max_champion_alarm_ratio * target_alarm_rate * len(live), most)
    return GateCheck(
        name="alarm rate on trial",
        passed=count.episodes <= most and count.alarms <= most_alarms,
        value=count.episodes,
        threshold=most,
        reason=f"{count.words} on {len(live)} new readings; up to {counted(most, 'episode', 'episodes')} "
        f"and {counted(int(most_alarms), 'alarm', 'alarms')} are chance at the target rate",
    )
