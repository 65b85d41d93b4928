"""Who is trained anew: by damage, by drift, by age, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.finding import Finding, Severity
from ml_core.domain.model_version import ModelStatus, ModelVersion, TrainingCause
from ml_core.domain.policies import RetrainPolicy
from ml_core.domain.retrain_rules import Standing, due_age_days, is_due_by_age, plan_retrains
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesRecord, SeriesState

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
