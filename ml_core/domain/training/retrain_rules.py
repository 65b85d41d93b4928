"""Which models are trained anew, why, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.model_version import ModelVersion, TrainingCause
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.training.levelling import needed_now

SECONDS_A_DAY = 86_400.0
_URGENCY = {TrainingCause.ARTIFACT: 0, TrainingCause.DEGRADED: 1, TrainingCause.AGE: 2}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A modelled series as a retrain run finds it."""

    record: SeriesRecord
    champion: ModelVersion | None
    """None where its artifact was lost and no older version is whole."""
    shadow: ModelVersion | None = None
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """Open findings by check."""

    @property
    def trained_at(self) -> datetime:
        """When the champion was trained, as far as is known."""
        if self.champion is None:
            return self.record.discovered_at
        return self.champion.trained_at or self.champion.created_at

    @property
    def is_pinned(self) -> bool:
        """Whether a person keeps the champion from being replaced."""
        return self.champion is not None and self.champion.pinned

    @property
    def is_refused(self) -> bool:
        """Whether the newest attempt to replace the champion was refused."""
        return CheckName.RETRAIN_REJECTED in self.findings

    @property
    def is_sound(self) -> bool:
        """Whether nothing but its age could ask for another model."""
        return not self.is_refused and all(
            self.open_finding(check) is None for check in (CheckName.ARTIFACT, CheckName.DRIFT)
        )

    def is_free(self, now: datetime) -> bool:
        """Whether it may be trained anew at all: not pinned, its circuit closed, no challenger on trial."""
        rests = self.record.circuit_open_until is not None and self.record.circuit_open_until > now
        return not (self.is_pinned or rests or self.shadow is not None)

    def open_finding(self, check: str) -> Finding | None:
        """An open finding of this check, unless the champion was promoted after it was last seen."""
        finding = self.findings.get(check)
        if finding is None or self.champion is None or self.champion.promoted_at is None:
            return finding
        return finding if finding.seen_at >= self.champion.promoted_at else None


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A person's word that a series is as it should be, however far it has moved."""

    by: str
    reason: str
    since: datetime | None = None
    """From when on it is so; None where the person does not say."""

    @property
    def words(self) -> str:
        """Who accepted it, and why."""
        return f"accepted by {self.by}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, kw_only=True)
class Retrain:
    """One model to be trained anew."""

    standing: Standing
    cause: TrainingCause
    into_shadow: bool = False
    """Whether the challenger scores beside the champion before it is judged."""
    acceptance: Acceptance | None = None
    """Where a person asked for it: then gold is rebased too."""

    @property
    def is_new_regime(self) -> bool:
        """Whether the champion and gold are of another regime, so that neither can judge what is new."""
        return self.into_shadow or self.acceptance is not None

    def changed_at(self, live: timedelta) -> datetime | None:
        """When the new regime began, as far as is known; a drift is seen after `live` of it.

        What a person says counts first. Of a drift that nobody has found it is what the champion has not learned from.
        """
        if self.acceptance is not None and self.acceptance.since is not None:
            return self.acceptance.since
        drifted = self.standing.open_finding(CheckName.DRIFT)
        if drifted is not None:
            return drifted.opened_at - live
        if self.acceptance is None or self.standing.champion is None:
            return None
        return self.standing.champion.training_to


def due_age_days(series_id: int, policy: RetrainPolicy) -> float:
    """The age at which a series' model falls due: its own, spread evenly between the two settings."""
    digest = hashlib.sha256(f"retrain|{series_id}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return policy.due_from_days + share * (policy.due_until_days - policy.due_from_days)


def is_due_by_age(standing: Standing, policy: RetrainPolicy, *, now: datetime, next_run_at: datetime) -> bool:
    """Whether the model has its due age, or would be too old before anybody looks again."""
    age_days, next_age_days = (
        (moment - standing.trained_at).total_seconds() / SECONDS_A_DAY for moment in (now, next_run_at)
    )
    if age_days < policy.due_from_days:
        return False
    return age_days >= due_age_days(standing.record.series_id, policy) or next_age_days > policy.due_until_days


def plan_retrains(
    standings: Iterable[Standing], policy: RetrainPolicy, *, now: datetime, next_run_at: datetime
) -> list[Retrain]:
    """What one run trains: lost artifacts first, then degraded models, then the oldest, within the budget.

    Those that were refused lately come last, degraded or not, or what cannot pass would take the budget from what
    can; a lost artifact waits for nobody. Models that are not due yet are brought forward where the runs until
    their last day could not train them all.
    """
    free = [standing for standing in standings if standing.is_free(now)]
    planned = [(standing, _plan(standing, policy, now=now, next_run_at=next_run_at)) for standing in free]
    plans = [plan for _, plan in planned if plan is not None]
    young = [standing for standing, plan in planned if plan is None and standing.is_sound]
    plans += _bring_forward(plans, young, policy, now=now, next_run_at=next_run_at)
    return sorted(plans, key=_rank)[: policy.max_per_run]


def _rank(plan: Retrain) -> tuple[bool, bool, int, datetime]:
    is_urgent = plan.cause is TrainingCause.ARTIFACT
    return not is_urgent, plan.standing.is_refused, _URGENCY[plan.cause], plan.standing.trained_at


def _bring_forward(
    plans: Sequence[Retrain],
    young: Sequence[Standing],
    policy: RetrainPolicy,
    *,
    now: datetime,
    next_run_at: datetime,
) -> list[Retrain]:
    """The oldest of the models that are not due, as many as later runs would be too few for."""
    due = [plan.standing for plan in plans if plan.cause is TrainingCause.AGE and not plan.standing.is_refused]
    between = next_run_at - now
    last_day = timedelta(days=policy.due_until_days)
    runs_left = [max(0, (standing.trained_at + last_day - now) // between) for standing in (*due, *young)]
    more = needed_now(runs_left, policy.max_per_run) - len(due)
    oldest = sorted(young, key=lambda standing: standing.trained_at)[: max(more, 0)]
    return [Retrain(standing=standing, cause=TrainingCause.AGE) for standing in oldest]


def _plan(standing: Standing, policy: RetrainPolicy, *, now: datetime, next_run_at: datetime) -> Retrain | None:
    champion = standing.champion
    if champion is None or standing.open_finding(CheckName.ARTIFACT) is not None:
        return Retrain(standing=standing, cause=TrainingCause.ARTIFACT)
    if standing.open_finding(CheckName.DRIFT) is not None:
        return _plan_degraded(standing, policy)
    if is_due_by_age(standing, policy, now=now, next_run_at=next_run_at):
        return Retrain(standing=standing, cause=TrainingCause.AGE)
    return None


def _plan_degraded(standing: Standing, policy: RetrainPolicy) -> Retrain | None:
    """A degraded model is not trained anew for its age: its last weeks may be the fault itself."""
    if policy.after_degradation == "off":
        return None
    into_shadow = policy.after_degradation == "shadow"
    return Retrain(standing=standing, cause=TrainingCause.DEGRADED, into_shadow=into_shadow)


def list_held_back(
    standings: Iterable[Standing], policy: RetrainPolicy, *, now: datetime, next_run_at: datetime
) -> list[Standing]:
    """Pinned champions that would be trained anew now, or have a challenger on trial, were it not for the pin."""
    return [
        standing
        for standing in standings
        if standing.is_pinned
        and (standing.shadow is not None or _plan(standing, policy, now=now, next_run_at=next_run_at) is not None)
    ]


def tell_blocked(key: SeriesKey, days: float, reason: str) -> str:
    """What a person is told where refusals have gone on for so many days, with the two ways out."""
    return (
        f"retraining has been refused for {days:.0f} days and the model in use only grows older: {reason}. "
        f"If the machine is as it should be, `ml-health accept-drift {key}` makes this its new normal; else mend it"
    )


def tell_pinned(champion: ModelVersion) -> str:
    """Why nothing replaces a pinned champion, and what a person can do."""
    return f"version {champion.version} is pinned and stays; `ml-health unpin` lets it be replaced"
