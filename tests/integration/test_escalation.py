"""Findings become issues, on real PostgreSQL, on a GitHub over HTTP and in a folder alike."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.incidents.issue import IssueStatus
from ml_core.domain.series import SeriesKey
from tests.integration.escalated_site import FolderPage, GitHubPage, Site


@pytest.fixture(params=["github", "folder"])
def site(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Site:
    """A site with each tracker in turn."""
    if request.param == "folder":
        return Site(database, FolderPage(tmp_path / "issues"))
    return Site(database, GitHubPage(request.getfixturevalue("github")))


def recover(site: Site, *names: str) -> None:
    """Three healthy daily checks, with the task after each."""
    site.find_fine(*names)
    for _ in range(3):
        site.check_daily()
        site.escalate()
        site.pass_time(days=1)


def test_a_finding_is_filed_and_then_kept_current_without_comments(site: Site) -> None:
    """The body follows what the checks find; nobody is notified of each change."""
    site.find_wrong("PUMP-1")
    assert site.escalate() == {"opened": 1, "open": 1}

    site.pass_time(minutes=15)
    assert site.escalate() == {"unchanged": 1}

    site.pass_time(days=1)
    site.find_wrong("PUMP-1", message="the model is 10 days old", value=10.0)
    assert site.escalate() == {"refreshed": 1, "update": 1}

    (issue,) = site.read()
    assert issue.title == "[ml-health] Model too old: PUMP-1 flow"
    assert "**the model is 10 days old**" in issue.body
    assert "Since 2025-03-01 02:00 UTC." in issue.body
    assert issue.labels == {"ml-health", "severity:warning", "check:age"}
    assert issue.status is IssueStatus.OPEN
    assert issue.comments == ()


def test_a_new_issue_names_its_incident(site: Site) -> None:
    """From its first text on, so that the command in it can be copied."""
    site.find_wrong("PUMP-1", "PUMP-2")
    site.escalate()

    numbers = [incident.incident_id for incident in site.incidents.list_open()]
    assert len(numbers) == 2
    for number, issue in zip(numbers, site.read(), strict=True):
        assert f"`ml-health explain {number}`" in issue.body


def test_an_incident_that_was_stored_and_not_told_is_told_by_the_next_pass(site: Site) -> None:
    """A process may die between the two."""
    site.find_wrong("PUMP-1")
    site.update()
    with site.database.transaction() as cur:
        cur.execute("DELETE FROM ml_health.outbox")
        cur.execute("UPDATE ml_health.incident SET sent_digest = NULL")

    assert site.escalate() == {"refreshed": 1, "open": 1}
    assert len(site.read()) == 1


def test_a_change_of_severity_is_commented_at_most_once_in_four_hours(site: Site) -> None:
    """Labels follow at once, comments only when the last is long enough ago."""
    site.find_wrong("PUMP-1")
    site.escalate()
    for hours, severity in ((1, Severity.CRITICAL), (1, Severity.WARNING), (4, Severity.CRITICAL)):
        site.pass_time(hours=hours)
        site.find_wrong("PUMP-1", severity=severity)
        site.escalate()

    (issue,) = site.read()
    assert "severity:critical" in issue.labels
    assert "severity:warning" not in issue.labels
    assert [comment.splitlines()[0] for comment in issue.comments] == [
        "The severity went from warning to critical.",
        "The severity went from warning to critical.",
    ]


def test_a_recovery_is_told_once_and_closed_after_three_healthy_checks(site: Site) -> None:
    """A comment at once; the issue is closed with the third daily check, and not before."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.pass_time(days=1)
    site.find_fine("PUMP-1")
    statuses = []
    for _ in range(3):
        site.check_daily()
        for _ in range(4):
            site.escalate()
            site.pass_time(hours=5)
        statuses.append(site.read()[0].status)
        site.pass_time(hours=4)

    (issue,) = site.read()
    assert statuses == [IssueStatus.OPEN, IssueStatus.OPEN, IssueStatus.COMPLETED]
    assert len(issue.comments) == 1
    assert issue.comments[0].startswith("Recovered: the check `age` finds nothing wrong any more.")
    assert site.incidents.list_open() == []


def test_a_check_of_one_series_is_no_healthy_day(site: Site) -> None:
    """What a host or a person had checked between two days does not hasten the closing."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.find_fine("PUMP-1")
    for _ in range(3):
        site.pass_time(hours=1)
        run = site.runs.begin(
            "ml_health_check", site.now, at=site.now, max_attempts=1, params={"series": "PUMP-1:flow"}
        )
        assert run
        site.escalate()

    assert site.read()[0].status is IssueStatus.OPEN


def test_what_is_back_soon_is_reopened(site: Site) -> None:
    """Within fourteen days the same issue is reopened and says so."""
    site.find_wrong("PUMP-1")
    site.escalate()
    recover(site, "PUMP-1")
    site.pass_time(days=10)
    site.find_wrong("PUMP-1", message="old again")
    site.escalate()

    (issue,) = site.read()
    assert issue.status is IssueStatus.OPEN
    assert "**old again**" in issue.body
    assert "It has come back once after recovering." in issue.body


def test_what_is_back_late_is_a_new_issue_that_links_the_old(site: Site) -> None:
    """After fourteen days the old one stays closed."""
    site.find_wrong("PUMP-1")
    site.escalate()
    recover(site, "PUMP-1")
    site.pass_time(days=14)
    site.find_wrong("PUMP-1")
    site.escalate()

    old, new = site.read()
    previous = site.incidents.list_open()[0].previous_issue_url
    assert (old.status, new.status) == (IssueStatus.COMPLETED, IssueStatus.OPEN)
    assert previous is not None
    assert f"It was told before in {previous}" in new.body


def test_closed_as_not_planned_is_left_alone(site: Site) -> None:
    """Neither what changes, nor a recovery, nor a return much later touches it or makes a twin."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.page.close_as(1, "not_planned")
    before = site.read()

    site.find_wrong("PUMP-1", severity=Severity.CRITICAL, message="worse")
    site.escalate()
    recover(site, "PUMP-1")
    site.pass_time(days=30)
    site.find_wrong("PUMP-1")
    site.escalate()

    assert site.read() == before


def test_a_person_who_closed_too_early_is_told_once(site: Site) -> None:
    """Closed as done while the next check finds the fault standing: reopened, no twin, no comment storm."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.page.close_as(1, "completed")
    site.escalate()
    assert site.read()[0].status is IssueStatus.COMPLETED

    site.pass_time(days=1)
    site.find_wrong("PUMP-1", message="still")
    site.escalate()

    (issue,) = site.read()
    assert issue.status is IssueStatus.OPEN
    assert len(issue.comments) == 0


def test_an_issue_in_which_a_person_took_part_is_not_closed(site: Site) -> None:
    """It recovers, says so, and is left to the person; its return is told on it, also much later."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.page.say(1, "I look at it tomorrow.")
    recover(site, "PUMP-1")

    assert site.read()[0].status is IssueStatus.OPEN
    assert site.incidents.list_open() == []

    site.pass_time(days=40)
    site.find_wrong("PUMP-1", message="back after all")
    site.escalate()

    (issue,) = site.read()
    assert "back after all" in issue.body


def test_the_label_keep_open_keeps_it_open(site: Site) -> None:
    """A label is enough."""
    site.find_wrong("PUMP-1")
    site.escalate()
    site.page.add_label(1, "keep-open")
    recover(site, "PUMP-1")

    (issue,) = site.read()
    assert issue.status is IssueStatus.OPEN
    assert "keep-open" in issue.labels


def test_flapping_a_hundred_times_is_one_issue_with_few_comments(site: Site) -> None:
    """Wrong and fine in turn for four days: one issue, at least four hours between its comments."""
    moments = []
    for _ in range(100):
        site.find_wrong("PUMP-1")
        site.escalate()
        site.pass_time(minutes=30)
        site.find_fine("PUMP-1")
        said = site.escalate()["comment"]
        moments += [site.now] * said
        site.pass_time(minutes=30)

    (issue,) = site.read()
    assert len(issue.comments) == len(moments)
    assert 2 <= len(moments) <= 25
    assert all(later - earlier >= timedelta(hours=4) for earlier, later in pairwise(moments))


def test_thirty_metrics_of_one_device_are_one_issue(site: Site) -> None:
    """One cause, one issue; a metric that follows later joins it."""
    site.find_wrong(*(f"PUMP-1:m{number}" for number in range(29)), check="lag", message="no reading since noon")
    site.escalate()
    site.find_wrong("PUMP-1:m29", check="lag", severity=Severity.CRITICAL, message="nothing at all")
    site.escalate()

    (issue,) = site.read()
    assert issue.title == "[ml-health] No data: PUMP-1 (30 metrics)"
    assert "30 findings on 1 device: 1 critical, 29 warning." in issue.body
    assert "The gravest: `PUMP-1:m29`, nothing at all" in issue.body
    assert "… and 10 more." in issue.body


def test_ten_thousand_findings_of_one_check_are_one_digest(site: Site) -> None:
    """A storm is one issue that counts, updated in place as it grows and ebbs."""
    names = [f"PUMP-{number}" for number in range(10_000)]
    site.find_wrong(*names)
    assert site.escalate() == {"opened": 1, "open": 1}

    site.find_fine(*names[:4_000])
    site.find_wrong("PUMP-late")
    assert site.escalate() == {"refreshed": 1, "update": 1}

    (issue,) = site.read()
    assert issue.title == "[ml-health] Model too old: 6,001 series"
    assert "6,001 findings on 6,001 devices: 0 critical, 6,001 warning." in issue.body
    assert "… and 5,981 more." in issue.body


def test_devices_that_fail_one_by_one_end_in_one_digest(site: Site) -> None:
    """A storm that begins slowly is four issues and a digest, however many follow."""
    for number in range(12):
        site.find_wrong(f"PUMP-{number}")
        site.escalate()
        site.pass_time(minutes=15)

    titles = [issue.title for issue in site.read()]
    assert len(titles) == 5
    assert titles[-1] == "[ml-health] Model too old: 8 series"


def test_a_muted_series_is_never_told(site: Site) -> None:
    """Muted: no issue, nor what waits, nor a recovery; quiet over, it is told."""
    key = SeriesKey(device="PUMP-1", metric="flow")
    site.find_wrong("PUMP-1")
    site.update()
    site.series.mute(key, until=site.now + timedelta(days=2), reason="known")
    for _ in range(2):
        site.escalate()
        site.check_daily()
        site.pass_time(hours=12)

    assert site.read() == []

    site.pass_time(days=2)
    site.escalate()

    assert [issue.status for issue in site.read()] == [IssueStatus.OPEN]

    site.series.mute(key, until=site.now + timedelta(days=9), reason="known")
    for _ in range(5):
        site.find_wrong("PUMP-1", message="muted news", severity=Severity.CRITICAL)
        site.check_daily()
        site.escalate()
        site.pass_time(days=1)

    (issue,) = site.read()
    assert issue.comments == ()
    assert "muted news" not in issue.body


def test_new_issues_keep_to_the_budgets(site: Site) -> None:
    """Ten a run, thirty a day, the rest later, oldest first, none lost."""
    checks = [f"check_{number:02d}" for number in range(34)]
    for check in checks:
        site.find_wrong("PUMP-1", check=check)
    counts = []
    for _ in range(5):
        site.escalate()
        counts.append(len(site.read()))
        site.pass_time(minutes=15)
    site.pass_time(days=1)
    site.escalate()

    issues = site.read()
    assert counts == [10, 20, 30, 30, 30]
    assert len({issue.title for issue in issues}) == len(issues) == 34


def test_a_recovery_before_it_was_told_files_nothing(site: Site) -> None:
    """What waited for its budget and went away by itself is not filed as if it stood."""
    site.with_policy(max_new_per_run=1)
    site.find_wrong("PUMP-1", check="age")
    site.find_wrong("PUMP-1", check="lag")
    site.escalate()
    site.find_fine("PUMP-1", check="lag")
    site.with_policy(max_new_per_day=1)
    for _ in range(4):
        site.check_daily()
        site.escalate()
        site.pass_time(hours=3)

    assert [issue.labels for issue in site.read()] == [{"ml-health", "severity:warning", "check:age"}]
    assert site.waiting() == []


def test_what_was_done_to_the_model_is_told(site: Site) -> None:
    """The body says what was tried by itself since the finding opened, and not what was before."""
    (series_id,) = site.register([SeriesKey(device="PUMP-1", metric="flow")])
    with site.database.transaction() as cur:
        for days, event, reason in ((-1, "promoted", "all gates passed"), (1, "not_promoted", "G1: 4 % alarms")):
            cur.execute(
                "INSERT INTO ml_health.model_event (happened_at, series_id, event, reason) VALUES (%s, %s, %s, %s)",
                (site.now + timedelta(days=days), series_id, event, reason),
            )
    site.find_wrong("PUMP-1")
    site.pass_time(days=2)
    site.escalate()

    (issue,) = site.read()
    assert "- 2025-03-02 02:00 UTC, `PUMP-1:flow`: not promoted: G1: 4 % alarms" in issue.body
    assert "all gates passed" not in issue.body


def test_secrets_and_live_names_reach_no_issue(site: Site) -> None:
    """Known secrets go, whatever their spelling; mentions, references and HTML in names and messages do nothing."""
    site.secrets = ("s3cr_t*pw", "postgresql://ml:s3cr_t*pw@db/iiot")
    site.find_wrong(
        "@ops closes #1 <b>`x`</b>:flow",
        message="connect postgresql://ml:s3cr_t*pw@db/iiot failed for s3cr_t*pw, token ghp_0123456789abcdef",
    )
    site.escalate()

    (issue,) = site.read()
    shown = re.sub(r"``.+?``", "", issue.body.partition("<details>")[0])  # GitHub acts on nothing in code
    assert "s3cr" not in issue.title + issue.body
    assert "ghp_" not in issue.title + issue.body
    assert "@ops" not in issue.title + shown
    assert "#1" not in issue.title + shown
    assert "<b>" not in shown
