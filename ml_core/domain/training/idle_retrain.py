"""Why a series that a person asked to be retrained is not, and what can be done."""

from __future__ import annotations

from datetime import datetime

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training.retrain_rules import SECONDS_A_DAY, Standing, due_age_days, tell_pinned


def tell_unmodelled(record: SeriesRecord) -> str:
    """Of a series that has never had a model."""
    reason = f": {record.state_reason}" if record.state_reason else ""
    return f"{record.key} has no model to replace ({SeriesState(record.state).value}{reason}); ml_discover trains it"


def tell_idle(standing: Standing, policy: RetrainPolicy, *, now: datetime) -> str:
    """Of a series that is not due."""
    champion, rests_until = standing.champion, standing.record.circuit_open_until
    if champion is not None and champion.pinned:
        return tell_pinned(champion)
    if standing.shadow is not None:
        return f"version {standing.shadow.version} is on trial beside the model in use; it is judged first"
    if rests_until is not None and rests_until > now:
        return f"its trainings failed and rest until {rests_until:%Y-%m-%d %H:%M}Z"
    if standing.open_finding(CheckName.DRIFT) is not None:
        return "it has drifted and retrain.after_degradation is off; `ml-health accept-drift` makes this its new normal"
    age_days = (now - standing.trained_at).total_seconds() / SECONDS_A_DAY
    due_days = due_age_days(standing.record.series_id, policy)
    return (
        f"its model is {age_days:.1f} days old and due at {due_days:.1f}; --param force=true trains it now, "
        "through the gate"
    )
