"""What a purge may choose, whatever the versions and dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.retention import PurgePlan, choose_versions, draw_plan, find_orphans

NOW = datetime(2025, 3, 1, tzinfo=UTC)
POLICY = RetentionPolicy()
HASHES = [letter * 64 for letter in "abcd"]

moments = st.integers(-40, 400).map(lambda days: NOW - timedelta(days=days))
"""Also in the future: clocks go back."""


def a_version(status: ModelStatus, *, days_ago: float, version: int = 1, sha256: str | None = "a" * 64) -> ModelVersion:
    """A version of series 1 that came to this status so many days ago, and was made long before."""
    since = NOW - timedelta(days=days_ago)
    return ModelVersion(
        model_id=uuid4(),
        series_id=1,
        version=version,
        kind="isolation_forest",
        status=status,
        created_at=NOW - timedelta(days=1000),
        retired_at=since if status is ModelStatus.RETIRED else None,
        updated_at=since,
        artifact_sha256=sha256,
    )


def retired(count: int, *, days_ago: float = 200) -> list[ModelVersion]:
    """Versions 1 to `count`, each retired a day after the one before, the first so many days ago."""
    return [
        a_version(ModelStatus.RETIRED, days_ago=days_ago - i, version=i + 1, sha256=f"{i:064x}") for i in range(count)
    ]


def choose(versions: Sequence[ModelVersion], cited: frozenset[UUID] = frozenset()) -> list[int]:
    """The numbers of the chosen versions."""
    return [version.version for version in choose_versions(versions, cited=cited, policy=POLICY, now=NOW)]


@st.composite
def histories(draw: st.DrawFn) -> list[ModelVersion]:
    """Any versions of up to three series, in any state, order and age."""
    made = [
        ModelVersion(
            model_id=draw(st.uuids()),
            series_id=draw(st.integers(1, 3)),
            version=number,
            kind="isolation_forest",
            status=draw(st.sampled_from(ModelStatus)),
            created_at=draw(moments),
            retired_at=draw(st.none() | moments),
            updated_at=draw(st.none() | moments),
            artifact_sha256=draw(st.none() | st.sampled_from(HASHES)),
            artifact_purged_at=draw(st.none() | moments),
            pinned=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(0, 12)) + 1)
    ]
    return draw(st.permutations(made))


@given(versions=histories(), retired_versions=st.integers(1, 4), data=st.data())
def test_nothing_that_serves_is_pinned_or_is_cited_is_ever_chosen(
    versions: list[ModelVersion], retired_versions: int, data: st.DataObject
) -> None:
    """Only what was given up long enough ago goes, and never the newest retired ones of a series."""
    cited = data.draw(st.sets(st.sampled_from([v.model_id for v in versions]))) if versions else set()
    policy = replace(POLICY, retired_versions=retired_versions)

    chosen = choose_versions(versions, cited=cited, policy=policy, now=NOW)

    given_up = {ModelStatus.RETIRED, ModelStatus.REJECTED, ModelStatus.QUARANTINED}
    assert all(version.status in given_up for version in chosen)
    assert not any(version.pinned or version.model_id in cited for version in chosen)
    assert all(version.artifact_sha256 and version.artifact_purged_at is None for version in chosen)
    assert all(version.created_at < NOW or version.retired_at or version.updated_at for version in chosen)
    for gone in (version for version in chosen if version.status is ModelStatus.RETIRED):
        stayed_younger = [
            version
            for version in versions
            if version.series_id == gone.series_id
            and version.status is ModelStatus.RETIRED
            and version not in chosen
            and (version.retired_at or version.created_at) >= (gone.retired_at or gone.created_at)
        ]
        assert len(stayed_younger) >= retired_versions


@given(versions=histories())
def test_an_artifact_goes_only_where_no_version_that_stays_has_it(versions: list[ModelVersion]) -> None:
    """The same readings give the same bytes, also in two series; what one still needs is left."""
    plan = draw_plan(versions, cited=(), stored={}, partitions=(), policy=POLICY, now=NOW)

    staying = [version for version in versions if version not in plan.versions]
    assert not {version.artifact_sha256 for version in staying} & set(plan.artifacts)
    assert set(plan.artifacts) <= {version.artifact_sha256 for version in plan.versions}


@given(
    stored=st.dictionaries(st.sampled_from([*HASHES, "e" * 64]), st.none() | moments),
    versions=histories(),
)
def test_no_artifact_that_a_version_names_is_an_orphan(
    stored: dict[str, datetime | None], versions: list[ModelVersion]
) -> None:
    """Orphans are old and nobody's; an artifact of unknown age stays."""
    orphans = find_orphans(stored, versions, now=NOW)

    named = {version.artifact_sha256 for version in versions if version.artifact_purged_at is None}
    assert not named & set(orphans)
    assert all((written := stored[sha256]) and NOW - written > timedelta(days=1) for sha256 in orphans)


def test_the_last_three_retired_stay_whatever_their_age() -> None:
    """Of five that retired half a year ago the two oldest go."""
    assert choose(retired(5)) == [1, 2]


def test_a_young_retired_version_stays_beside_the_last_three() -> None:
    """Thirty days are kept however many versions there are."""
    assert choose(retired(10, days_ago=35)) == [1, 2, 3, 4, 5]


def test_the_previous_champion_is_the_one_that_retired_last_not_the_highest_number() -> None:
    """After a roll back the number says nothing."""
    versions = retired(5)
    versions[0] = replace(versions[0], retired_at=NOW - timedelta(days=31))

    assert choose(versions) == [2, 3]


def test_versions_without_an_artifact_do_not_take_the_place_of_those_that_can_be_rolled_back_to() -> None:
    """A site's adopted models have none."""
    adopted = [a_version(ModelStatus.RETIRED, days_ago=1, version=10 + i, sha256=None) for i in range(3)]

    assert choose([*retired(3), *adopted]) == []


@pytest.mark.parametrize("status", [ModelStatus.REJECTED, ModelStatus.QUARANTINED])
def test_a_version_that_was_given_up_stays_a_week_from_then(status: ModelStatus) -> None:
    """Its age counts from the day it was given up, not from its training."""
    kept = a_version(status, days_ago=6.9)
    gone = a_version(status, days_ago=7.1, version=2)

    assert choose([kept, gone]) == [2]


def test_a_pin_and_an_open_finding_each_keep_a_version() -> None:
    """Both would have gone."""
    pinned, cited, free, *newest = retired(6)

    assert choose([replace(pinned, pinned=True), cited, free, *newest], frozenset({cited.model_id})) == [3]


plans = st.builds(
    lambda numbers, artifacts, orphans, partitions: PurgePlan(
        versions=tuple(
            replace(a_version(ModelStatus.RETIRED, days_ago=50), model_id=UUID(int=number)) for number in numbers
        ),
        artifacts=tuple(artifacts),
        orphans=tuple(orphans),
        partitions=tuple(partitions),
    ),
    st.sets(st.integers(0, 3)),
    st.sets(st.sampled_from(HASHES)),
    st.sets(st.sampled_from(HASHES)),
    st.sets(st.sampled_from(["anomaly_detections_2024_01", "anomaly_detections_2024_02", HASHES[0]])),
)


def contents(plan: PurgePlan) -> tuple[frozenset[object], ...]:
    """What a plan holds, without order."""
    models = frozenset(version.model_id for version in plan.versions)
    return (models, frozenset(plan.artifacts), frozenset(plan.orphans), frozenset(plan.partitions))


@given(one=plans, other=plans)
def test_two_plans_have_the_same_hash_exactly_where_they_remove_the_same(one: PurgePlan, other: PurgePlan) -> None:
    """A person confirms this plan and no other."""
    assert (one.plan_hash == other.plan_hash) == (contents(one) == contents(other))


@given(plan=plans)
def test_the_order_of_a_plan_does_not_change_its_hash(plan: PurgePlan) -> None:
    """The database may answer in another order tomorrow."""
    turned = PurgePlan(
        versions=plan.versions[::-1],
        artifacts=plan.artifacts[::-1],
        orphans=plan.orphans[::-1],
        partitions=plan.partitions[::-1],
    )

    assert turned.plan_hash == plan.plan_hash
