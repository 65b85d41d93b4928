"""What every issue tracker does, on GitHub over HTTP and in a folder alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_core.adapters.issues.github_issues import GitHubIssues
from ml_core.adapters.issues.issue_folder import IssueFolder
from ml_core.domain.incidents.issue import IssueDraft, IssueRef, IssueStatus, issue_marker
from ml_core.domain.incidents.markdown import code_block
from ml_core.errors import TrackerRefusedError
from ml_core.ports.issue_tracker import IssueTracker
from tests.contract.github_server import GitHubServer

FINGERPRINT = "a1" * 32


@dataclass(frozen=True, kw_only=True)
class Site:
    """A tracker, what a reader sees of an issue, and what people may do to it."""

    tracker: IssueTracker
    read_text: Callable[[int], str]
    say: Callable[[int, str], None]
    shut_as_not_planned: Callable[[int], None]
    add_label: Callable[[int, str], None]
    delete: Callable[[int], None]


def make_github_site(server: GitHubServer, tracker: GitHubIssues) -> Site:
    """Return the site on the local GitHub, where people act through its pages."""
    state = server.state

    def read_text(number: int) -> str:
        issue = state.issues[number]
        return "\n".join([issue["title"], issue["body"], *(row["body"] for row in state.comments[number])])

    def add_label(number: int, name: str) -> None:
        labels = [label["name"] for label in state.issues[number]["labels"]]
        state.act_as("ann", number, labels=[*labels, name])

    return Site(
        tracker=tracker,
        read_text=read_text,
        say=lambda number, text: state.act_as("ann", number, comment=text),
        shut_as_not_planned=lambda number: state.act_as("ann", number, state="closed", state_reason="not_planned"),
        add_label=add_label,
        delete=state.delete,
    )


def make_folder_site(folder: Path) -> Site:
    """Return the site in a folder, where people edit the files."""

    def file(number: int) -> Path:
        return folder / f"{number:04d}.md"

    def edit(number: int, old: str, new: str) -> None:
        text = file(number).read_text()

        assert old in text
        file(number).write_text(text.replace(old, new))

    def say(number: int, text: str) -> None:
        with file(number).open("a") as opened:
            opened.write(f"\n{text}\n")

    return Site(
        tracker=IssueFolder(folder),
        read_text=lambda number: file(number).read_text(),
        say=say,
        shut_as_not_planned=lambda number: edit(
            number, 'state: "open"\nstate_reason: null', "state: closed\nstate_reason: not_planned"
        ),
        add_label=lambda number, name: edit(number, 'labels: ["ml-health"', f'labels: ["{name}", "ml-health"'),
        delete=lambda number: file(number).unlink(),
    )


@pytest.fixture(params=["github", "folder"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Each tracker in turn, empty."""
    if request.param == "folder":
        return make_folder_site(tmp_path / "issues")
    return make_github_site(request.getfixturevalue("github"), request.getfixturevalue("tracker"))


def make_draft(
    body: str = "It reads 12 for 3 h.", *, fingerprint: str = FINGERPRINT, severity: str = "warning"
) -> IssueDraft:
    """Return what shall be filed about a stuck pump."""
    return IssueDraft(
        title="pump-7 is stuck",
        body=body,
        labels=(f"severity:{severity}", "check:flatline"),
        fingerprint=fingerprint,
    )


def test_an_opened_issue_stands_open_with_its_labels(site: Site) -> None:
    """What was filed can be read, is open, and carries our label and the draft's."""
    ref = site.tracker.open(make_draft())
    state = site.tracker.state(ref)

    assert ref.number == 1
    assert state.status is IssueStatus.OPEN
    assert set(state.labels) == {"ml-health", "severity:warning", "check:flatline"}
    assert not state.person_took_part
    assert state.closed_at is None
    assert "It reads 12 for 3 h." in site.read_text(1)
    assert issue_marker(FINGERPRINT) in site.read_text(1)


def test_an_issue_is_found_by_its_marker(site: Site) -> None:
    """Recovery finds the issue of a fingerprint among others, and nothing where there is none."""
    site.tracker.open(make_draft(fingerprint="b2" * 32))
    ref = site.tracker.open(make_draft())

    assert site.tracker.find(FINGERPRINT) == ref
    assert site.tracker.find("c3" * 32) is None


def test_an_open_issue_is_found_before_a_newer_closed_one(site: Site) -> None:
    """Of several issues of one fingerprint the open one counts, else the newest."""
    first, second = site.tracker.open(make_draft()), site.tracker.open(make_draft())
    site.tracker.set_status(second, IssueStatus.COMPLETED)

    assert site.tracker.find(FINGERPRINT) == first

    site.tracker.set_status(first, IssueStatus.COMPLETED)

    assert site.tracker.find(FINGERPRINT) == second


def test_a_quoted_marker_is_not_taken_for_an_issue(site: Site) -> None:
    """A body that quotes another issue's marker in a made-inert exception is not that issue."""
    site.tracker.open(make_draft(code_block(issue_marker(FINGERPRINT)), fingerprint="b2" * 32))

    assert site.tracker.find(FINGERPRINT) is None


def test_an_update_rewrites_in_place_and_keeps_what_people_added(site: Site) -> None:
    """Title, body and our labels follow the draft, under the same number; what a person added stays."""
    ref = site.tracker.open(make_draft())
    site.add_label(1, "keep-open")
    site.say(1, "Looking into it.")

    site.tracker.update(ref, make_draft("It reads 12 for 9 h.", severity="critical"))

    text = site.read_text(1)
    assert "9 h" in text
    assert "3 h" not in text
    assert "Looking into it." in text
    assert set(site.tracker.state(ref).labels) == {
        "ml-health",
        "severity:critical",
        "check:flatline",
        "keep-open",
    }
    assert site.tracker.find(FINGERPRINT) == ref


def test_a_comment_is_made_once_per_marker(site: Site) -> None:
    """The same marker again says nothing; another one does."""
    ref = site.tracker.open(make_draft())
    for marker in ("incident:1", "incident:1", "incident:2"):
        site.tracker.comment(ref, f"Now critical ({marker}).", marker)

    text = site.read_text(1)
    assert text.count("(incident:1)") == 1
    assert text.count("(incident:2)") == 1
    assert not site.tracker.state(ref).person_took_part


def test_close_and_reopen(site: Site) -> None:
    """A recovered issue is closed with the time, and reopened when the fault is back."""
    ref = site.tracker.open(make_draft())

    site.tracker.set_status(ref, IssueStatus.COMPLETED)
    closed = site.tracker.state(ref)
    site.tracker.set_status(ref, IssueStatus.OPEN)
    reopened = site.tracker.state(ref)

    assert closed.status is IssueStatus.COMPLETED
    assert closed.closed_at is not None
    assert closed.closed_at.tzinfo is not None
    assert reopened.status is IssueStatus.OPEN
    assert reopened.closed_at is None
    assert not reopened.person_took_part


def test_closing_again_keeps_a_persons_not_planned(site: Site) -> None:
    """An issue that a person closed as not planned is not closed as completed over it."""
    ref = site.tracker.open(make_draft())
    site.shut_as_not_planned(1)

    site.tracker.set_status(ref, IssueStatus.COMPLETED)

    state = site.tracker.state(ref)
    assert state.status is IssueStatus.NOT_PLANNED
    assert state.person_took_part


def test_a_persons_comment_shows(site: Site) -> None:
    """A comment of somebody else is a person taking part, and stays so after our own writes."""
    ref = site.tracker.open(make_draft())
    site.tracker.comment(ref, "Still stuck.", "incident:1")
    site.say(1, "I am replacing the sensor.")

    assert site.tracker.state(ref).person_took_part

    site.tracker.comment(ref, "Recovered.", "incident:2")

    assert site.tracker.state(ref).person_took_part
    assert "I am replacing the sensor." in site.read_text(1)


def test_a_deleted_issue_is_missing_and_refuses_writes(site: Site) -> None:
    """What people deleted is told as missing, and a write to it says to file a new one."""
    ref = site.tracker.open(make_draft())
    site.tracker.open(make_draft(fingerprint="b2" * 32))
    site.delete(1)

    assert site.tracker.state(ref).status is IssueStatus.MISSING
    assert site.tracker.find(FINGERPRINT) is None
    with pytest.raises(TrackerRefusedError, match="file a new one"):
        site.tracker.comment(ref, "Anybody there?", "incident:1")


def test_a_number_is_never_given_twice(site: Site) -> None:
    """After the newest issue is deleted the next one takes a fresh number."""
    ref = site.tracker.open(make_draft())
    site.delete(ref.number)

    assert site.tracker.open(make_draft()).number == 2


def test_long_bodies_are_cut_and_keep_their_marker(site: Site) -> None:
    """A body over the bound is filed cut, and its marker still finds it."""
    ref = site.tracker.open(make_draft("x" * 70_000))

    assert site.tracker.find(FINGERPRINT) == ref
    assert "Cut here" in site.read_text(1)


def test_secrets_are_not_filed(site: Site) -> None:
    """A password and a token in title, body or comment reach nobody."""
    draft = IssueDraft(
        title="cannot reach postgresql://ml:hunter2hunter2@db/plant",
        body="password=hunter2hunter2 ghp_planted0123456789",
        fingerprint=FINGERPRINT,
    )
    ref = site.tracker.open(draft)
    site.tracker.comment(ref, "token: ghp_planted0123456789", "incident:1")

    assert "hunter2" not in site.read_text(1)
    assert "planted" not in site.read_text(1)


def test_nobody_can_make_an_issue_missing(site: Site) -> None:
    """MISSING is seen, never set."""
    ref = site.tracker.open(make_draft())

    with pytest.raises(ValueError, match="OPEN, COMPLETED or NOT_PLANNED"):
        site.tracker.set_status(ref, IssueStatus.MISSING)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/lib/other/issues/0001.md",
        "https://github.com/acme/plant/issues/1",
        "http://127.0.0.1:9/acme/plant/issues/1",
    ],
)
def test_an_issue_of_another_tracker_is_elsewhere(site: Site, url: str) -> None:
    """Whatever carries the same number here is not taken for it: it may be somebody else's issue."""
    site.tracker.open(make_draft())

    assert site.tracker.state(IssueRef(number=1, url=url)).status is IssueStatus.ELSEWHERE
