"""Who is trained anew: by damage, by drift, by age, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.model_version import ModelStatus, ModelVersion, TrainingCause
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesRecord, SeriesState
from ml_core.domain.training.retrain_rules import Standing, due_age_days, is_due_by_age, list_held_back, plan_retrains

NOW = datetime(2025, 3, 1, 2, 40, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = RetrainPolicy()


def standing(series_id: int, *, age_days: float = 1.0, checks: tuple[str, ...] = ()) -> Standing:
    """A modelled series with a champion of that age and open findings."""
    trained_at = NOW - age_days * DAY
    return Standing(
        record=SeriesRecord(
            series_id=series_id,
            key=SeriesKey(device=f"PUMP-{series_id}", metric="flow"),
            state=SeriesState.MODELLED,
            discovered_at=NOW - 100 * DAY,
        ),
        champion=ModelVersion(
            model_id=uuid4(),
            series_id=series_id,
            version=1,
            kind="isolation_forest",
            status=ModelStatus.ACTIVE,
            created_at=trained_at,
            trained_at=trained_at,
            promoted_at=trained_at,
        ),
        findings={
            check: Finding(
                finding_id=1,
                check=check,
                sequence=1,
                severity=Severity.CRITICAL,
                message="found",
                opened_at=NOW,
                seen_at=NOW,
                occurrences=1,
            )
            for check in checks
        },
    )


def plan(*standings: Standing, policy: RetrainPolicy = POLICY) -> list[tuple[int, TrainingCause, bool]]:
    """What is planned, as series, cause and whether into shadow."""
    plans = plan_retrains(standings, policy, now=NOW, next_run_at=NOW + DAY)
    return [(one.standing.record.series_id, one.cause, one.into_shadow) for one in plans]


@given(st.integers(1, 10**9))
def test_due_age_is_each_series_own(series_id: int) -> None:
    """Between the two settings, and the same every time."""
    assert POLICY.due_from_days <= due_age_days(series_id, POLICY) <= POLICY.due_until_days
    assert due_age_days(series_id, POLICY) == due_age_days(series_id, POLICY)


def test_due_ages_are_spread() -> None:
    """A fleet made in one night does not fall due in one moment."""
    ages = [due_age_days(series_id, POLICY) for series_id in range(1000)]

    for tenth in range(10):
        low = POLICY.due_from_days + tenth / 10
        assert 60 < sum(low <= age < low + 0.1 for age in ages) < 140


@given(series_id=st.integers(1, 10**6), minute=st.integers(0, 1439))
def test_none_grows_too_old_while_budget_lasts(series_id: int, minute: int) -> None:
    """With a run a day, each model is due at some run between its sixth and seventh day."""
    champion = standing(series_id, age_days=minute / 1440)
    due_at = [
        day
        for day in range(10)
        if is_due_by_age(champion, POLICY, now=NOW + day * DAY, next_run_at=NOW + (day + 1) * DAY)
    ]

    age_when_trained = minute / 1440 + due_at[0]
    assert 6 <= age_when_trained <= 7


def test_hourly_runs_follow_the_due_age() -> None:
    """Where runs are frequent each model waits for its own age."""
    champion = standing(5)
    own = due_age_days(5, POLICY) * DAY
    born = NOW - DAY

    assert not is_due_by_age(champion, POLICY, now=born + own - timedelta(hours=1), next_run_at=born + own)
    assert is_due_by_age(champion, POLICY, now=born + own, next_run_at=born + own + timedelta(hours=1))


def test_damage_goes_before_drift_before_age() -> None:
    """Within a run the most urgent come first, and the oldest of them."""
    planned = plan(
        standing(1, age_days=8),
        standing(2, age_days=9),
        standing(3, checks=("drift",)),
        standing(4, checks=("artifact",)),
        standing(5),
    )

    assert planned == [
        (4, TrainingCause.ARTIFACT, False),
        (3, TrainingCause.DEGRADED, True),
        (2, TrainingCause.AGE, False),
        (1, TrainingCause.AGE, False),
    ]


def test_budget_is_kept() -> None:
    """A run takes no more than it may, the oldest first."""
    planned = plan(*(standing(i, age_days=8 + i) for i in range(5)), policy=RetrainPolicy(max_per_run=2))

    assert [series_id for series_id, _, _ in planned] == [4, 3]


@pytest.mark.parametrize(
    ("answer", "planned"),
    [
        ("shadow", [(1, TrainingCause.DEGRADED, True)]),
        ("on", [(1, TrainingCause.DEGRADED, False)]),
        ("off", []),
    ],
)
def test_degraded_model_is_never_retrained_for_its_age(
    answer: str, planned: list[tuple[int, TrainingCause, bool]]
) -> None:
    """What drift leads to is the site's choice, however old the model is."""
    policy = replace(POLICY, after_degradation=answer)  # type: ignore[arg-type]

    assert plan(standing(1, age_days=20, checks=("drift",)), policy=policy) == planned


def test_finding_about_a_former_model_counts_no_more() -> None:
    """What was seen before the champion was promoted is not about it."""
    young = standing(1, age_days=-0.5, checks=("drift", "artifact"))

    assert plan(young) == []


def test_pinned_resting_and_tried_ones_are_left_alone() -> None:
    """A pin, an open circuit and a challenger on trial each keep a series from being trained."""
    old = standing(1, age_days=9)
    assert old.champion is not None
    pinned = replace(old, champion=replace(old.champion, pinned=True))
    resting = replace(old, record=replace(old.record, circuit_open_until=NOW + timedelta(minutes=1)))
    tried = replace(old, shadow=replace(old.champion, status=ModelStatus.SHADOW))

    assert plan(pinned, resting, tried) == []


def test_series_without_a_model_comes_first() -> None:
    """Where nothing serves, training is as urgent as after damage."""
    planned = plan(standing(1, age_days=9), replace(standing(2), champion=None))

    assert planned[0] == (2, TrainingCause.ARTIFACT, False)


def made_at_once(count: int) -> list[Standing]:
    """A fleet whose models were all made in the same night."""
    return [standing(series_id, age_days=0) for series_id in range(count)]


def retrain_daily(fleet: list[Standing], policy: RetrainPolicy, days: int) -> list[list[float]]:
    """The ages in days at which each daily run trains models anew."""
    ages = []
    for day in range(1, days + 1):
        now = NOW + day * DAY
        plans = plan_retrains(fleet, policy, now=now, next_run_at=now + DAY)
        ages.append([(now - one.standing.trained_at) / DAY for one in plans])
        renewed = {one.standing.record.series_id for one in plans}
        fleet = [
            replace(each, champion=replace(each.champion, trained_at=now, promoted_at=now))
            if each.champion is not None and each.record.series_id in renewed
            else each
            for each in fleet
        ]
    return ages


def test_ten_thousand_models_of_one_night_are_not_retrained_in_one() -> None:
    """The default budget spreads them over five days, none passes its seventh day, and they stay spread."""
    runs = retrain_daily(made_at_once(10_000), POLICY, days=22)

    assert max(map(len, runs)) == POLICY.max_per_run
    assert [len(run) for run in runs[:8]] == [0, 0, 2000, 2000, 2000, 2000, 2000, 0]
    assert max(age for run in runs for age in run) <= POLICY.due_until_days
    assert sum(map(len, runs)) >= 3 * 10_000
    assert min(age for run in runs[8:] for age in run) >= POLICY.due_from_days


def test_small_fleet_is_not_brought_forward() -> None:
    """Where the budget of a day is enough, no model is trained before its time."""
    runs = retrain_daily(made_at_once(500), POLICY, days=8)

    assert [len(run) for run in runs[:5]] == [0] * 5
    assert min(age for run in runs for age in run) >= POLICY.due_from_days


def test_refused_ones_leave_the_budget_to_others() -> None:
    """What the gate refuses day after day is tried again only where budget is left."""
    refused = [standing(i, age_days=20, checks=("retrain_rejected",)) for i in range(3)]
    due = [standing(i, age_days=8) for i in range(10, 12)]

    planned = plan(*refused, *due, policy=RetrainPolicy(max_per_run=3))

    assert [series_id for series_id, _, _ in planned] == [10, 11, 0]


def test_refused_degraded_ones_let_no_other_grow_old() -> None:
    """A day's budget of drifted models that the gate refuses leaves those due by age their turn."""
    refused = [standing(i, age_days=3, checks=("drift", "retrain_rejected")) for i in range(3)]
    lost = standing(4, checks=("artifact", "retrain_rejected"))

    planned = plan(*refused, standing(10, age_days=8), lost, policy=RetrainPolicy(max_per_run=3))

    assert [series_id for series_id, _, _ in planned] == [4, 10, 0]


def test_pinned_ones_that_would_be_due_are_told() -> None:
    """A pin holds back a model that is old, or that has a challenger on trial, and no other."""
    old, young, tried = standing(1, age_days=9), standing(2), standing(3)
    tried = replace(tried, shadow=tried.champion)
    pinned = [
        replace(each, champion=replace(each.champion, pinned=True)) for each in (old, young, tried) if each.champion
    ]

    held_back = list_held_back(pinned, POLICY, now=NOW, next_run_at=NOW + DAY)

    assert [each.record.series_id for each in held_back] == [1, 3]
