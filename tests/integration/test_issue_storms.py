"""Storms end as few issues, each whole: one a cause, drawn, assigned, and with nothing live or secret in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.domain.checks.check import CheckResult, SeriesCheck, Verdict
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.series import SeriesKey
from tests.contract.github_server import GitHubServer
from tests.integration.escalated_site import FolderPage, GitHubPage, Site

CAUSES = ("age", "lag", "drift", "artifact", "training_failures")
TOKEN = "ghp_0123456789abcdefghij"
EXCEPTIONS = [
    'OperationalError: connection to "postgresql://ml:hunter2-prod@db:5432/iiot" failed',
    "AuthError: Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl was refused",
    f"HTTPError: 401 for url with token={TOKEN}",
    "KeyError: {'password': 'hunter2-prod', 'user': 'ml'}",
    "ValueError: -----BEGIN RSA PRIVATE KEY-----\nMIIEhunter2\n-----END RSA PRIVATE KEY-----",
]
MENTION = re.compile(r"(?<![\w`])@[A-Za-z0-9]")


@pytest.fixture
def site(database: Database, github: GitHubServer) -> Site:
    """A site on a GitHub whose every request is held against GitHub's own description."""
    return Site(database, GitHubPage(github))


def test_ten_thousand_models_of_five_causes_are_five_issues(site: Site, github: GitHubServer) -> None:
    """Each cause has one digest that counts its own, however the checks are mixed over the devices."""
    names = [f"PUMP-{number}" for number in range(10_000)]
    for number, cause in enumerate(CAUSES):
        site.find_wrong(*names[number :: len(CAUSES)], check=cause)
    assert site.escalate() == {"opened": 5, "open": 5}
    site.pass_time(minutes=15)
    assert site.escalate() == {"unchanged": 5}

    issues = site.read()
    assert len(issues) == 5
    assert all("2,000 findings on 2,000 devices" in issue.body for issue in issues)
    assert {label for issue in issues for label in issue.labels if label.startswith("check:")} == {
        f"check:{cause}" for cause in CAUSES
    }
    assert len(github.sent("POST", r"/issues$")) == 5


def test_the_course_of_a_check_is_drawn_in_its_issue(site: Site) -> None:
    """The last two weeks of daily values, taken from what the checks stored."""
    (series_id,) = site.register([SeriesKey(device="PUMP-1", metric="flow")])
    for value in range(1, 20):
        run = site.runs.begin("ml_health_check", site.now, at=site.now, max_attempts=1, params={})
        assert run
        result = CheckResult(check="age", verdict=Verdict.WARN, reason="old", value=float(value))
        site.checks.save(run.run_id, [SeriesCheck(series_id=series_id, model_id=None, result=result)], at=site.now)
        site.pass_time(days=1)
    site.find_wrong("PUMP-1")
    site.escalate()

    (issue,) = site.read()
    assert re.search(r"\| 9 \| 7 \| ([▁▂▃▄▅▆▇█]{14}) \|", issue.body)


def test_new_issues_are_assigned_by_rule(site: Site, github: GitHubServer) -> None:
    """At their opening; later changes leave people's own assignments alone."""
    site.with_policy(assignees=("ann",), assignees_by_pattern={"lag/*": ["net-team"], "*/PUMP-9*": ["bob"]})
    site.find_wrong("PUMP-1", check="lag")
    site.find_wrong("PUMP-99")
    site.find_wrong("FAN-1")
    site.escalate()
    site.pass_time(days=1)
    site.find_wrong("FAN-1", message="worse", severity=Severity.CRITICAL)
    site.escalate()

    assert [[user["login"] for user in issue["assignees"]] for _, issue in sorted(github.state.issues.items())] == [
        ["net-team"],
        ["bob"],
        ["ann"],
    ]
    assert all("assignees" not in seen.body for seen in github.sent("PATCH"))


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_no_secret_of_an_exception_is_filed(site: Site, github: GitHubServer, exception: str) -> None:
    """Neither in the title, body, comments nor in what waits in the outbox, known or not."""
    site.secrets = ("hunter2-prod",)
    site.find_wrong("@ops/pump", check="training_failures", message=f"training failed: {exception}; ask @ops, see #7")
    site.escalate()
    site.pass_time(days=1)
    site.find_wrong("@ops/pump", check="training_failures", message=exception, severity=Severity.CRITICAL)
    site.escalate()

    with site.database.transaction() as cur:
        cur.execute("SELECT string_agg(payload::text, ' ') FROM ml_health.outbox")
        ((waiting,),) = cur.fetchall()
    filed = repr(github.state.issues) + repr(github.state.comments) + waiting
    for secret in ("hunter2", TOKEN, "eyJhbGciOi", "MIIE"):
        assert secret not in filed
    (issue,) = site.read()
    shown = re.sub(r"`.+?`", "", issue.body.partition("<details>")[0])  # GitHub acts on nothing in code
    assert not MENTION.search(shown + issue.title)
    assert "#7" not in shown


def test_the_same_is_rendered_without_github(database: Database, tmp_path: Path) -> None:
    """A site without a token reads the same digests in files."""
    site = Site(database, FolderPage(tmp_path / "issues"))
    for cause in CAUSES:
        site.find_wrong(*(f"PUMP-{number}" for number in range(50)), check=cause)

    assert site.escalate() == {"opened": 5, "open": 5}
    assert len(site.read()) == 5
