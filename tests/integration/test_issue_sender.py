"""What GitHub, the network and death do to the sender: every message once, none lost, none before it is permitted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.incidents.issue import IssueStatus
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task
from ml_core.errors import ConflictError
from ml_core.settings import Settings, load_settings
from tests.contract.github_server import GitHubServer
from tests.integration.escalated_site import FolderPage, GitHubPage, Site

ISSUES = r"/issues$"


@pytest.fixture
def site(database: Database, github: GitHubServer) -> Site:
    """A site that files on the local GitHub."""
    return Site(database, GitHubPage(github))


def settings_of(database_url: str, github: GitHubServer, home: Path) -> dict[str, str]:
    """The environment by which a process reaches database and GitHub."""
    return {
        "ML_HEALTH_HOME": str(home),
        "ML_HEALTH_DATABASE_URL": database_url,
        "ML_HEALTH_GITHUB__REPOSITORY": "acme/plant",
        "ML_HEALTH_GITHUB__TOKEN": github.token,
        "ML_HEALTH_GITHUB__BASE_URL": github.url,
    }


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "performed": True},
        {"hang": True, "performed": True},
        {"drop": True, "performed": True},
        {"status": 502},
        {"drop": True},
    ],
    ids=["created but 502", "created but hung", "created but cut", "not created, 502", "not created, cut"],
)
def test_an_answer_that_never_came_makes_no_twin(site: Site, github: GitHubServer, fault: dict[str, object]) -> None:
    """Within the settle window nothing is said; after it the issue is looked for, and filed only if it is not there."""
    github.inject(method="POST", path=ISSUES, **fault)
    site.find_wrong("PUMP-1")
    site.escalate()
    assert site.waiting() == ["sending"]

    seen = len(github.requests)
    site.pass_time(seconds=site.policy.settle_s - 1)
    site.escalate()
    assert len(github.requests) == seen

    site.pass_time(seconds=1)
    site.escalate()

    assert len(site.read()) == 1
    assert site.waiting() == []
    assert site.incidents.list_open()[0].issue_number == 1


def test_lists_that_lag_for_minutes_make_no_twin(site: Site, github: GitHubServer) -> None:
    """A person runs the task again while GitHub does not list yet what it filed."""
    site.find_wrong("PUMP-1")
    with github.lagging():
        github.inject(method="POST", path=ISSUES, drop=True, performed=True)
        site.escalate()
        site.pass_time(minutes=5)
        site.escalate()
    site.pass_time(minutes=10)
    site.escalate()

    assert len(site.read()) == 1
    assert site.waiting() == []


def test_news_while_the_outcome_is_unknown_make_no_twin(site: Site, github: GitHubServer) -> None:
    """The fault changes before it is known whether its issue was filed: that issue is brought up to date."""
    github.inject(method="POST", path=ISSUES, status=502, performed=True)
    site.find_wrong("PUMP-1", message="first words")
    site.escalate()
    site.find_wrong("PUMP-1", message="newer words")
    for _ in range(3):
        site.pass_time(minutes=15)
        site.escalate()

    (issue,) = site.read()
    assert "newer words" in issue.body


def test_a_fault_gone_while_the_outcome_is_unknown_is_closed(site: Site, github: GitHubServer) -> None:
    """An issue that had been filed after all does not stand open for ever."""
    site.with_policy(close_after_healthy_runs=1)
    github.inject(method="POST", path=ISSUES, status=502, performed=True)
    site.find_wrong("PUMP-1")
    site.escalate()
    site.find_fine("PUMP-1")
    site.check_daily()
    site.update()
    site.pass_time(minutes=15)
    site.escalate()

    (issue,) = site.read()
    assert issue.status is IssueStatus.COMPLETED


def test_an_outage_of_a_day_loses_none_and_doubles_none(site: Site, github: GitHubServer) -> None:
    """A day of 503: few calls; then all is sent, oldest first, and each issue says what is so now."""
    github.inject(status=503, times=10_000)
    for hour in range(24):
        if hour < 8:
            site.find_wrong("PUMP-1", check=f"check_{hour}", message=f"words of hour {hour}")
        site.find_wrong("PUMP-1", check="check_0", message=f"words of hour {hour}")
        for _ in range(4):
            site.escalate()
            site.pass_time(minutes=15)
    calls = len(github.requests)
    github.clear_faults()
    for _ in range(6):
        site.escalate()
        site.pass_time(minutes=15)

    issues = site.read()
    assert calls <= 40
    assert [issue.title for issue in issues] == [f"[ml-health] Check {n}: PUMP-1 flow" for n in range(8)]
    assert "words of hour 23" in issues[0].body
    assert len(github.sent("PATCH")) == 0
    assert site.waiting() == []


def test_what_came_and_went_in_an_outage_ends_as_it_is(site: Site, github: GitHubServer) -> None:
    """Recovered and wrong again while GitHub was away: the issue stays open, and nobody is told of a recovery."""
    site.find_wrong("PUMP-1", message="old words")
    site.escalate()
    github.inject(status=503, times=10_000)
    site.find_fine("PUMP-1")
    for _ in range(3):
        site.check_daily()
        site.pass_time(hours=24)
        site.escalate()
    assert site.incidents.list_open() == []
    site.find_wrong("PUMP-1", message="new words")
    site.escalate()
    github.clear_faults()
    site.pass_time(hours=2)
    site.escalate()

    (issue,) = site.read()
    assert issue.status is IssueStatus.OPEN
    assert "new words" in issue.body
    assert issue.comments == ()


@pytest.mark.parametrize("status", [403, 429])
def test_no_call_is_made_before_it_is_permitted(site: Site, github: GitHubServer, status: int) -> None:
    """A limit's Retry-After outlives the process that was told it, and holds for all messages."""
    github.inject(method="POST", path=ISSUES, status=status, headers={"Retry-After": "7200"})
    site.find_wrong("PUMP-1")
    site.escalate()
    seen = len(github.requests)
    site.find_wrong("PUMP-1", check="lag")
    for _ in range(8):
        site.pass_time(minutes=14)
        site.escalate()
    assert len(github.requests) == seen

    site.pass_time(minutes=10)
    site.escalate()

    assert len(site.read()) == 2


def test_death_between_the_claim_and_the_call_makes_one_issue(site: Site) -> None:
    """The claim is committed, the call never made: after the settle window it is looked for, then filed."""
    site.find_wrong("PUMP-1")
    site.update()
    (entry,) = site.outbox.list_waiting(now=site.now)
    site.outbox.claim(entry, at=site.now, settled_at=site.now + timedelta(seconds=site.policy.settle_s))
    site.escalate()
    assert site.read() == []

    site.pass_time(minutes=15)
    site.escalate()

    assert len(site.read()) == 1


def test_a_sender_killed_in_its_call_makes_one_issue(
    site: Site, github: GitHubServer, database_url: str, tmp_path: Path
) -> None:
    """SIGKILL while GitHub has the request and has not answered: one issue, not two."""
    site.find_wrong("PUMP-1")
    github.inject(method="POST", path=ISSUES, hang=True, performed=True)
    command = [sys.executable, "-m", "ml_core.entrypoints.cli", "run", "ml_escalate", "--now", site.now.isoformat()]
    environment = os.environ | settings_of(database_url, github, tmp_path)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not github.sent("POST", ISSUES) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
    assert site.waiting() == ["sending"]

    site.pass_time(minutes=15)
    site.escalate()

    assert len(site.read()) == 1
    assert len(github.sent("POST", ISSUES)) == 1


def test_of_two_tasks_at_once_one_sends(site: Site, github: GitHubServer, database_url: str, tmp_path: Path) -> None:
    """The task's lock lets one run; the other says why it did not."""
    site.find_wrong("PUMP-1")
    github.inject(method="POST", path=ISSUES, performed=True, delay_s=0.5)
    results = []

    def run() -> None:
        with closing(Platform(load_settings(settings_of(database_url, github, tmp_path)))) as platform:
            results.append(run_task(platform, "ml_escalate", now=site.now))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {result.outcome for result in results} == {Outcome.SUCCEEDED, Outcome.SKIPPED}
    assert len(site.read()) == 1


def test_four_senders_without_a_lock_make_no_twin(site: Site, github: GitHubServer) -> None:
    """Should the lock be lost, the claim of each message still lets one sender have it."""
    for number in range(6):
        site.find_wrong("PUMP-1", check=f"check_{number}")
    site.update()
    all_have_read, met, beaten = threading.Barrier(4, timeout=30), threading.local(), []

    def wait_for_all() -> bool:
        if not hasattr(met, "others"):
            met.others = all_have_read.wait()
        return False

    site.should_stop = wait_for_all

    def send() -> None:
        try:
            site.send()
        except ConflictError:
            beaten.append(True)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    site.should_stop = lambda: False
    site.pass_time(minutes=15)
    site.escalate()

    assert len({issue.title for issue in site.read()}) == len(site.read()) == 6
    assert beaten


@pytest.mark.parametrize("refusal", [401, 403, 404, 410, "archived", "issues disabled"])
def test_a_refusal_is_parked_and_told_on_another_channel(
    site: Site, github: GitHubServer, database_url: str, tmp_path: Path, refusal: int | str
) -> None:
    """One call an hour at most, a finding `issue_tracker` that no issue could tell, and all is sent once mended."""
    if refusal == "archived":
        github.state.archived = True
    elif refusal == "issues disabled":
        github.state.has_issues = False
    else:
        github.inject(status=refusal, times=10_000)
    site.find_wrong("PUMP-1")
    site.find_wrong("PUMP-1", check="lag")
    environment = settings_of(database_url, github, tmp_path)

    def run() -> Outcome:
        with closing(Platform(load_settings(environment))) as platform:
            return run_task(platform, "ml_escalate", now=site.now).outcome

    outcomes, calls = [], []
    for _ in range(8):
        outcomes.append(run())
        calls.append(len(github.requests))
        site.pass_time(minutes=15)
    (told,) = site.findings.list_open(now=site.now, checks=["issue_tracker"])
    assert set(outcomes) == {Outcome.SUCCEEDED}
    assert calls[0] == calls[3]
    assert calls[4] == calls[7] <= 2 * calls[0]
    assert site.waiting() == ["parked", "parked"]
    assert github.token not in told.message

    github.clear_faults()
    github.state.archived, github.state.has_issues = False, True
    run()

    assert len(site.read()) == 2
    assert site.findings.list_open(now=site.now, checks=["issue_tracker"]) == []


def test_a_message_that_is_refused_for_what_it_says_keeps_no_other_waiting(site: Site, github: GitHubServer) -> None:
    """The others are filed at once, also those that come later; it is tried again every hour."""
    for name in ("PUMP-1", "PUMP-2"):
        site.find_wrong(name)
        site.update()
    github.inject(method="POST", status=422, body={"message": "Validation Failed"})

    first = site.send()
    site.pass_time(minutes=15)
    site.find_wrong("PUMP-3")
    later = site.escalate()
    site.pass_time(minutes=45)
    last = site.escalate()

    assert first.done == {"parked": 1, "open": 1}
    assert first.refusal is not None
    assert later["open"] == 1
    assert last["open"] == 1
    assert [issue.title.rpartition(": ")[2] for issue in site.read()] == ["PUMP-2 flow", "PUMP-3 flow", "PUMP-1 flow"]


def test_what_is_refused_is_told_until_it_is_sent(
    site: Site, github: GitHubServer, database_url: str, tmp_path: Path
) -> None:
    """One finding from the refusal to its end, however many others are sent meanwhile."""
    github.inject(method="POST", status=422, body={"message": "Validation Failed"})
    told = []
    for number in range(5):
        site.find_wrong(f"PUMP-{number}", check=f"check_{number}")
        with closing(Platform(load_settings(settings_of(database_url, github, tmp_path)))) as platform:
            run_task(platform, "ml_escalate", now=site.now)
        told.append([it.finding_id for it in site.findings.list_open(now=site.now, checks=["issue_tracker"])])
        site.pass_time(minutes=15)

    assert told[:4] == [told[0]] * 4
    assert (len(told[0]), told[4]) == (1, [])


def test_what_was_refused_is_not_said_over_what_is_new(site: Site, github: GitHubServer) -> None:
    """An old text is parked, its issue turns out to stand, and news wait: the issue ends with the news."""
    site.find_wrong("PUMP-1", message="9 days old")
    github.inject(method="POST", path=ISSUES, drop=True, performed=True)
    site.escalate()
    site.find_wrong("PUMP-1", message="10 days old")
    site.update()
    site.pass_time(minutes=15)
    github.inject(method="PATCH", status=401)
    assert site.send().done == {"open": 1, "parked": 1}
    site.find_wrong("PUMP-1", message="11 days old")
    site.pass_time(hours=1)

    site.escalate()

    (issue,) = site.read()
    assert issue.body.startswith("**11 days old**")


def test_a_refused_message_gives_way_to_a_newer_one_within_a_run(site: Site, github: GitHubServer) -> None:
    """The newer one waits in its place, and nobody takes that for another sender's doing."""
    site.find_wrong("PUMP-1", message="9 days old")
    github.inject(method="POST", path=ISSUES, drop=True)
    site.escalate()
    site.find_wrong("PUMP-1", message="10 days old")
    site.update()
    site.pass_time(minutes=15)
    github.inject(method="POST", path=ISSUES, status=422, body={"message": "Validation Failed"})

    assert site.send().done == {"parked": 1}
    site.pass_time(hours=1)
    site.send()

    (issue,) = site.read()
    assert issue.body.startswith("**10 days old**")


def test_what_was_refused_until_it_was_over_reopens_nothing(site: Site, github: GitHubServer) -> None:
    """GitHub took the closing and not the text before it: that one comes later and leaves the issue closed."""
    site.find_wrong("PUMP-1", message="9 days old")
    site.escalate()
    github.inject(method="PATCH", status=422, times=1)
    site.find_wrong("PUMP-1", message="10 days old")
    site.escalate()
    site.find_fine("PUMP-1")
    for _ in range(3):
        site.check_daily()
        site.pass_time(minutes=15)
    site.escalate()
    site.pass_time(hours=2)
    site.escalate()

    (issue,) = site.read()
    assert site.waiting() == []
    assert issue.status is IssueStatus.COMPLETED


def test_an_outage_is_no_finding(site: Site, github: GitHubServer, database_url: str, tmp_path: Path) -> None:
    """What passes by itself alarms nobody, and does not count as proof that issues can be filed."""
    site.find_wrong("PUMP-1")
    github.inject(status=503, times=1_000)
    with closing(Platform(load_settings(settings_of(database_url, github, tmp_path)))) as platform:
        result = run_task(platform, "ml_escalate", now=site.now)

    assert result.counts["messages_put_off"] == 1
    assert [finding.check for finding in site.findings.list_open(now=site.now)] == ["age"]


def test_a_site_that_moves_to_github_writes_on_nobodys_issue(site: Site, github: GitHubServer, tmp_path: Path) -> None:
    """Issues of the folder have numbers too: on GitHub these are other people's, so ours are filed anew."""
    on_github = site.page
    site.page = FolderPage(tmp_path / "issues")
    site.find_wrong("PUMP-1")
    site.escalate()
    github.state.perform("POST", "/repos/acme/plant/issues", {}, {"title": "a person's own", "body": "mine"})
    site.page = on_github
    site.find_wrong("PUMP-1", message="newer words")
    for _ in range(3):
        site.pass_time(minutes=15)
        site.escalate()

    theirs, ours = site.read()
    assert (theirs.title, theirs.body, theirs.comments) == ("a person's own", "mine", ())
    assert "newer words" in ours.body
    assert "It was told before in" in ours.body


def test_a_deleted_issue_is_left_alone(site: Site, github: GitHubServer) -> None:
    """Whoever deleted it does not want it; no twin follows."""
    site.find_wrong("PUMP-1")
    site.escalate()
    github.state.delete(1)
    site.find_wrong("PUMP-1", message="newer words")
    for _ in range(3):
        site.pass_time(minutes=15)
        site.escalate()

    assert len(github.sent("POST", ISSUES)) == 1
    assert site.waiting() == []


@pytest.mark.parametrize("by", ["host", "nobody"])
def test_where_the_host_escalates_nothing_is_filed(
    site: Site, github: GitHubServer, database_url: str, tmp_path: Path, by: str
) -> None:
    """The task says why it does nothing."""
    site.find_wrong("PUMP-1")
    settings = load_settings(settings_of(database_url, github, tmp_path) | {"ML_HEALTH_ESCALATION__BY": by})
    result = run(settings, site)

    assert result == (Outcome.SKIPPED, f"escalation.by is '{by}': this plugin files nothing")
    assert github.requests == []
    assert site.incidents.list_open() == []


def test_a_dry_run_says_what_stands_and_files_nothing(
    site: Site, github: GitHubServer, database_url: str, tmp_path: Path
) -> None:
    """Findings are listed, no incident is made, GitHub hears nothing."""
    site.find_wrong("PUMP-1")
    with closing(Platform(load_settings(settings_of(database_url, github, tmp_path)))) as platform:
        result = run_task(platform, "ml_escalate", now=site.now, dry_run=True)

    assert [finding["check"] for finding in result.findings] == ["age"]
    assert site.incidents.list_open() == []
    assert github.requests == []


def run(settings: Settings, site: Site) -> tuple[Outcome, str | None]:
    """Run the task on this site's clock."""
    with closing(Platform(replace(settings))) as platform:
        result = run_task(platform, "ml_escalate", now=site.now)
    return result.outcome, result.reason
