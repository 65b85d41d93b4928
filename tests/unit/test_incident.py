"""Which findings are one cause, and when an issue may be spoken on or opened again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.incidents.incident import (
    FLEET,
    Incident,
    IssueStanding,
    fingerprint_of,
    group_findings,
    may_comment,
    may_reopen,
    scope_of,
    severity_of,
)
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.series import SeriesKey

NOW = datetime(2025, 3, 1, tzinfo=UTC)
POLICY = EscalationPolicy()
INCIDENT = Incident(
    incident_id=7,
    fingerprint=fingerprint_of("age", FLEET),
    check="age",
    scope=FLEET,
    severity=Severity.WARNING,
    title="Model too old",
    opened_at=NOW,
    updated_at=NOW,
    issue_number=3,
)


def make_finding(number: int, device: str | None, *, check: str = "age", incident_id: int | None = None) -> Finding:
    """An open finding of DEVICE:m<number>, or of the fleet."""
    return Finding(
        finding_id=number,
        check=check,
        sequence=1,
        severity=Severity.WARNING,
        message="old",
        opened_at=NOW,
        seen_at=NOW,
        occurrences=1,
        series_id=None if device is None else number,
        key=None if device is None else SeriesKey(device=device, metric=f"m{number}"),
        incident_id=incident_id,
    )


def test_a_fingerprint_names_plugin_check_and_scope() -> None:
    """It never changes: issues filed by earlier versions are found by it."""
    expected = "6e55d6f5130b67bed6bd78225936e5fada53fe36aa01f7597ea118a8015f3123"

    assert fingerprint_of("age", FLEET) == expected
    assert fingerprint_of("age", "a") != fingerprint_of("age", "b") != fingerprint_of("lag", "b")


def test_metrics_of_a_device_are_one_cause_and_devices_are_several() -> None:
    """Below the digest's bound each device has its own."""
    findings = [make_finding(1, "A"), make_finding(2, "A"), make_finding(3, "B")]

    groups = group_findings(findings, [], digest_from=3)

    assert {cause: len(members) for cause, members in groups.items()} == {
        ("age", scope_of(findings[0])): 2,
        ("age", scope_of(findings[2])): 1,
    }


def test_devices_of_other_tenants_are_other_causes() -> None:
    """A device id is unique only within its tenant."""
    here = make_finding(1, "A")
    key = SeriesKey(device="A", metric="m1", tenant=UUID(int=5))

    assert scope_of(here) != scope_of(replace(here, key=key))


def test_a_finding_stays_in_its_incident() -> None:
    """A digest keeps what it told, even below the bound."""
    groups = group_findings([make_finding(1, "A", incident_id=7)], [INCIDENT], digest_from=5)

    assert list(groups) == [("age", FLEET)]


def test_a_metric_joins_its_devices_incident_rather_than_a_digest() -> None:
    """What people already look at is not told twice."""
    device = replace(INCIDENT, incident_id=8, scope=scope_of(make_finding(1, "A")))

    groups = group_findings([make_finding(2, "A"), make_finding(3, "B")], [INCIDENT, device], digest_from=5)

    assert {cause: [it.finding_id for it in members] for cause, members in groups.items()} == {
        ("age", device.scope): [2],
        ("age", FLEET): [3],
    }


@given(
    st.lists(st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from(["age", "lag"])), max_size=40),
    st.integers(1, 6),
)
def test_every_finding_is_in_one_group_and_storms_are_few_groups(
    drawn: list[tuple[str, str]], digest_from: int
) -> None:
    """None lost, none twice, of its own check, and never `digest_from` new groups of one check."""
    findings = [make_finding(number, device, check=check) for number, (device, check) in enumerate(drawn, 1)]

    groups = group_findings(findings, [], digest_from=digest_from)

    told = [finding.finding_id for members in groups.values() for finding in members]
    assert sorted(told) == [finding.finding_id for finding in findings]
    assert all(finding.check == check for (check, _), members in groups.items() for finding in members)
    assert all(count < max(digest_from, 2) for count in Counter(check for check, _ in groups).values())


def test_the_gravest_finding_names_the_severity() -> None:
    """One critical makes it critical."""
    mild = make_finding(1, "A")

    assert severity_of([mild]) is Severity.WARNING
    assert severity_of([mild, replace(mild, severity=Severity.CRITICAL)]) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("hours", "number", "expected"), [(None, 3, True), (3.9, 3, False), (4.0, 3, True), (None, None, False)]
)
def test_comments_keep_their_distance(hours: float | None, number: int | None, expected: bool) -> None:
    """At most one in four hours, and none without an issue."""
    last = None if hours is None else NOW - timedelta(hours=hours)

    assert may_comment(replace(INCIDENT, issue_number=number, last_comment_at=last), POLICY, NOW) is expected


@pytest.mark.parametrize(
    ("days", "standing", "expected"),
    [
        (13.9, IssueStanding.CLOSED, True),
        (14.0, IssueStanding.CLOSED, False),
        (400.0, IssueStanding.OPEN, True),
        (400.0, IssueStanding.LEFT_ALONE, True),
        (1.0, None, True),
        (14.0, None, False),
    ],
)
def test_a_cause_returns_to_its_incident_for_a_while(
    days: float, standing: IssueStanding | None, expected: bool
) -> None:
    """For fourteen days after closing; always where the issue stands open or people want it left alone."""
    resolved = replace(INCIDENT, resolved_at=NOW - timedelta(days=days), issue_status=standing)

    assert may_reopen(resolved, POLICY, NOW) is expected
