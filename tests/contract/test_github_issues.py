"""The GitHub adapter where GitHub fails: one POST a call, none before it is permitted, the token nowhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses

from ml_core.adapters.issues.github_issues import GitHubIssues
from ml_core.domain.incidents.issue import IssueDraft, IssueRef, IssueStatus
from ml_core.errors import ConfigurationError, TrackerRefusedError, TrackerUnavailableError
from tests.contract.github_server import GitHubServer

FINGERPRINT = "a1" * 32
DRAFT = IssueDraft(title="pump-7 is stuck", body="Since 3 h.", labels=("severity:warning",), fingerprint=FINGERPRINT)
ISSUES = r"/issues$"
LIMITED = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
EXHAUSTED = "API rate limit exceeded for user ID 1."


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """Return the seconds that passed."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        self.slept.append(seconds)
        self.seconds += seconds


@contextmanager
def connect(server: GitHubServer, fake: FakeTime, **options: object) -> Iterator[GitHubIssues]:
    """Give an adapter on the fake clock."""
    adapter = GitHubIssues(
        "acme/plant", server.token, base_url=server.url, clock=fake.clock, sleep=fake.sleep, **options
    )
    yield adapter
    adapter.close()


def open_in_vain(tracker: GitHubIssues) -> TrackerUnavailableError:
    """Return the passing fault that keeps the draft from being filed."""
    with pytest.raises(TrackerUnavailableError) as caught:
        tracker.open(DRAFT)
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_sends_one_post(github: GitHubServer, tracker: GitHubIssues, status: int) -> None:
    """A failed POST is not repeated, and its outcome is told as unknown."""
    github.inject(method="POST", status=status, body="<html>Unicorn!</html>", times=99)

    fault = open_in_vain(tracker)

    assert fault.outcome_unknown
    assert len(github.sent("POST")) == 1
    assert "Unicorn" not in str(fault)


def test_created_but_502_is_found_again(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An issue that was made although the answer failed is found by its marker: one issue, not two."""
    github.inject(method="POST", path=ISSUES, status=502, performed=True)

    assert open_in_vain(tracker).outcome_unknown

    ref = tracker.find(FINGERPRINT)
    assert ref == IssueRef(number=1, url=f"{github.url}/acme/plant/issues/1")
    assert len(github.state.issues) == len(github.sent("POST")) == 1


def test_created_but_hung_is_found_again(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An answer that never comes ends at our own deadline, with one POST sent."""
    github.inject(method="POST", path=ISSUES, hang=True, performed=True)

    assert open_in_vain(tracker).outcome_unknown
    assert tracker.find(FINGERPRINT) is not None
    assert len(github.sent("POST")) == 1


def test_a_dropped_connection_is_an_unknown_outcome(github: GitHubServer, tracker: GitHubIssues) -> None:
    """A connection that ends without an answer is not followed by another POST."""
    github.inject(method="POST", path=ISSUES, drop=True)

    assert open_in_vain(tracker).outcome_unknown
    assert len(github.sent("POST")) == 1


@pytest.mark.parametrize("answer", ["<html>Sign in to the guest network</html>", '{"id": 7, "numb', "", "[]"])
def test_an_answer_that_is_none_files_nothing(github: GitHubServer, tracker: GitHubIssues, answer: str) -> None:
    """A captive portal's page or a broken answer is never taken for a filed issue."""
    github.inject(method="POST", path=ISSUES, status=201, body=answer)

    assert open_in_vain(tracker).outcome_unknown


@pytest.mark.parametrize("answer", ["<html>Sign in</html>", '{"id": 7, "numb', "", "[]", "7", '"x"', "{}"])
def test_an_answer_to_a_read_that_is_none_passes(github: GitHubServer, tracker: GitHubIssues, answer: str) -> None:
    """A page or a broken answer instead of the repository is a passing fault, and nothing is written."""
    github.inject(method="GET", status=200, body=answer, times=99)

    assert not open_in_vain(tracker).outcome_unknown
    assert github.sent("POST") == []


@pytest.mark.parametrize("answer", ["<html>Sign in</html>", '[{"id": 7, "numb', "7", "{}"])
@pytest.mark.parametrize("path", [r"/issues/1$", r"/comments$", r"/events$"])
def test_an_odd_answer_about_an_issue_passes(
    github: GitHubServer, tracker: GitHubIssues, path: str, answer: str
) -> None:
    """Whatever is answered instead of an issue, its comments or events is a passing fault, never a state."""
    ref = tracker.open(DRAFT)
    github.inject(method="GET", path=path, status=200, body=answer, times=99)

    with pytest.raises(TrackerUnavailableError):
        tracker.state(ref)


def test_reads_are_retried(github: GitHubServer, tracker: GitHubIssues) -> None:
    """Two failed reads in a row are bridged."""
    ref = tracker.open(DRAFT)
    github.inject(method="GET", path=r"/issues/1$", status=503, times=2)

    assert tracker.state(ref).status is IssueStatus.OPEN
    assert len(github.sent("GET", r"/issues/1$")) == 3


def test_a_read_that_keeps_failing_leaves_no_write(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An outage is told as passing, and since nothing was written its outcome is known."""
    github.inject(method="GET", status=503, times=99)

    assert not open_in_vain(tracker).outcome_unknown
    assert github.sent("POST") == []


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait_s"),
    [
        (403, {"Retry-After": "120"}, LIMITED, 120),
        (429, {"Retry-After": "30"}, "Too many requests", 30),
        (403, {}, LIMITED, 60),
        (429, {}, "Too many requests", 60),
        (503, {"Retry-After": "90"}, "Service unavailable", 90),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_call_before_it_is_permitted(
    github: GitHubServer, method: str, status: int, headers: dict[str, str], message: str, wait_s: float
) -> None:
    """A limit, with or without headers, keeps every call at home until it ends, reads as well."""
    fake = FakeTime()
    with connect(github, fake) as tracker:
        github.inject(method=method, status=status, headers=headers, body={"message": message})
        assert open_in_vain(tracker).retry_after_s == wait_s
        seen = len(github.requests)

        fake.seconds += wait_s - 1
        with pytest.raises(TrackerUnavailableError, match="permits no call") as caught:
            tracker.find(FINGERPRINT)

        assert caught.value.retry_after_s == pytest.approx(1)
        assert len(github.requests) == seen

        fake.seconds += 1
        assert tracker.open(DRAFT).number == 1


@pytest.mark.parametrize("clock_error", [timedelta(0), timedelta(days=30), timedelta(days=-30)])
def test_the_hourly_limit_ends_by_githubs_own_clock(github: GitHubServer, clock_error: timedelta) -> None:
    """The wait is counted from the answer's date, so that a wrong clock of ours does not matter."""
    server_now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(server_now.timestamp()) + 600),
        "Date": format_datetime(server_now, usegmt=True),
    }
    with connect(github, FakeTime(), now=lambda: server_now + clock_error) as tracker:
        tracker.find(FINGERPRINT)
        with responses.RequestsMock() as mock:
            address = f"{github.url}/repos/acme/plant/issues"
            mock.post(address, status=403, headers=headers, json={"message": EXHAUSTED})

            assert open_in_vain(tracker).retry_after_s == 601


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "Sun, 01 Mar 2026 12:05:00 GMT"}, 300),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "-5"}, 60),
        ({"Retry-After": "999999999"}, 86_400),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 0),
    ],
)
def test_odd_headers_of_a_limit_are_read(headers: dict[str, str], wait_s: float) -> None:
    """Dates are understood, nonsense falls back to a minute, and no answer stops us for more than a day."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    tracker = GitHubIssues("acme/plant", "ghp_t0ken", now=lambda: noon)
    with responses.RequestsMock() as mock:
        mock.get("https://api.github.com:443/repos/acme/plant", status=429, headers=headers, json={"message": ""})

        assert open_in_vain(tracker).retry_after_s == wait_s
    tracker.close()


def test_writes_keep_a_second_apart(github: GitHubServer) -> None:
    """Between two writes lies at least a second, as GitHub asks."""
    fake = FakeTime()
    with connect(github, fake) as tracker:
        ref = tracker.open(DRAFT)
        tracker.comment(ref, "Still stuck.", "m:1")
        fake.seconds += 0.25
        tracker.set_status(ref, IssueStatus.COMPLETED)

    assert fake.slept == pytest.approx([1.0, 0.75])


def refuse_token(server: GitHubServer) -> None:
    """Revoke the token."""
    server.token = "ghp_another"


def lose_repository(server: GitHubServer) -> None:
    """Delete the repository."""
    server.state.name = "acme/gone"


def disable_issues(server: GitHubServer) -> None:
    """Disable issues."""
    server.state.has_issues = False


def archive(server: GitHubServer) -> None:
    """Archive the repository."""
    server.state.archived = True


def forbid(server: GitHubServer) -> None:
    """Take away the permission to write."""
    server.inject(method="POST", status=403, body={"message": "Resource not accessible by token"}, times=9)


def reject(server: GitHubServer) -> None:
    """Refuse the content."""
    server.inject(method="POST", status=422, body={"message": "Validation Failed"}, times=9)


@pytest.mark.parametrize("warm", [False, True], ids=["at once", "after a first issue"])
@pytest.mark.parametrize(
    ("harm", "advice"),
    [
        (refuse_token, "set a new one"),
        (lose_repository, "does not exist or the token may not see it"),
        (disable_issues, "enable them"),
        (archive, "archived"),
        (forbid, "permission"),
        (reject, "assignees"),
    ],
)
def test_a_refusal_says_what_to_do(
    github: GitHubServer, tracker: GitHubIssues, harm: Callable[[GitHubServer], None], advice: str, warm: bool
) -> None:
    """What only a person can mend is refused at the first answer, with words for that person."""
    if warm:
        tracker.open(IssueDraft(title="earlier", body="", fingerprint="b2" * 32))
    harm(github)
    seen = len(github.requests)

    with pytest.raises(TrackerRefusedError, match=advice):
        tracker.open(DRAFT)

    assert len(github.requests) - seen <= 2


def test_a_renamed_repository_is_followed(
    github: GitHubServer, tracker: GitHubIssues, caplog: pytest.LogCaptureFixture
) -> None:
    """After a rename issues are filed, found, read and changed under the new name, and the site is told."""
    github.state.rename("acme/works")

    with caplog.at_level(logging.WARNING):
        ref = tracker.open(DRAFT)

    assert ref.url == f"{github.url}/acme/works/issues/1"
    assert "acme/works" in caplog.text
    assert tracker.find(FINGERPRINT) == ref
    assert tracker.state(ref).status is IssueStatus.OPEN


def test_a_rename_between_two_calls_files_nothing_without_a_number(github: GitHubServer, tracker: GitHubIssues) -> None:
    """A POST that is answered with 307 is no success: nothing was filed, and the next call goes right."""
    tracker.open(IssueDraft(title="earlier", body="", fingerprint="b2" * 32))
    github.state.rename("acme/works")

    fault = open_in_vain(tracker)

    assert not fault.outcome_unknown
    assert len(github.state.issues) == 1
    assert tracker.open(DRAFT).number == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda tracker, ref: tracker.update(ref, IssueDraft(title="new", body="new", fingerprint=FINGERPRINT)),
        lambda tracker, ref: tracker.comment(ref, "new", "m:1"),
        lambda tracker, ref: tracker.set_status(ref, IssueStatus.COMPLETED),
    ],
    ids=["update", "comment", "close"],
)
def test_changes_reach_a_renamed_repository(
    github: GitHubServer, tracker: GitHubIssues, change: Callable[[GitHubIssues, IssueRef], None]
) -> None:
    """An issue filed before the rename is changed under its old reference, not silently left."""
    ref = tracker.open(DRAFT)
    github.state.rename("acme/works")

    change(tracker, ref)

    issue = github.state.issues[1]
    assert (issue["title"], issue["state"], len(github.state.comments[1])) != ("pump-7 is stuck", "open", 0)


def test_an_issue_filed_before_a_rename_is_known_under_its_old_address(
    github: GitHubServer, tracker: GitHubIssues
) -> None:
    """Its address names the repository's earlier name, and that leads to the same repository."""
    ref = tracker.open(DRAFT)
    github.state.rename("acme/works")

    with closing(GitHubIssues("acme/works", github.token, base_url=github.url, timeout_s=1)) as anew:
        assert anew.state(ref).status is IssueStatus.OPEN


def test_an_issue_of_another_repository_is_elsewhere(github: GitHubServer, tracker: GitHubIssues) -> None:
    """A site that changed its repository does not write on whatever carries the number in the new one."""
    tracker.open(DRAFT)

    strange = IssueRef(number=1, url=f"{github.url}/acme/mill/issues/1")

    assert tracker.state(strange).status is IssueStatus.ELSEWHERE


def test_closed_issues_are_found_after_a_rename(github: GitHubServer, tracker: GitHubIssues) -> None:
    """A redirect that drops the list's filters does not hide closed issues."""
    ref = tracker.open(DRAFT)
    tracker.set_status(ref, IssueStatus.COMPLETED)
    github.state.rename("acme/works")

    found = tracker.find(FINGERPRINT)
    assert found is not None
    assert found.number == ref.number


def test_a_redirect_to_another_host_is_refused(tracker: GitHubIssues, github: GitHubServer) -> None:
    """The token is not carried to wherever an answer points."""
    github.inject(method="GET", status=301, headers={"Location": "http://192.0.2.1/repos/acme/plant"})

    with pytest.raises(TrackerRefusedError, match="base URL"):
        tracker.open(DRAFT)


def test_lists_that_lag_hide_an_issue_for_a_while(github: GitHubServer, tracker: GitHubIssues) -> None:
    """While lists lag nothing is found, so that the caller must wait; by number it is there at once."""
    with github.lagging():
        ref = tracker.open(DRAFT)

        assert tracker.find(FINGERPRINT) is None
        assert tracker.state(ref).status is IssueStatus.OPEN

    assert tracker.find(FINGERPRINT) == ref


def test_an_issue_whose_labels_were_dropped_is_found(
    github: GitHubServer, tracker: GitHubIssues, caplog: pytest.LogCaptureFixture
) -> None:
    """A token without push access cannot set labels: the issue is found all the same, the site told."""
    github.state.may_push = False

    ref = tracker.open(DRAFT)

    assert tracker.find(FINGERPRINT) == ref
    assert "push access" in caplog.text


def test_an_assignee_whom_nobody_knows_does_not_keep_an_issue_from_being_filed(
    github: GitHubServer, tracker: GitHubIssues, caplog: pytest.LogCaptureFixture
) -> None:
    """GitHub refuses the whole issue for a login that was mistyped or has left; it is filed once, unassigned."""
    github.state.unknown_logins = {"gone"}

    ref = tracker.open(IssueDraft(title="x", body="y", assignees=("ann", "gone"), fingerprint="c3" * 32))

    assert [issue["number"] for issue in github.state.issues.values()] == [ref.number]
    assert github.state.issues[ref.number]["assignees"] == []
    assert "does not take ann, gone" in caplog.text


def test_lists_are_read_to_their_end(github: GitHubServer, tracker: GitHubIssues) -> None:
    """The oldest of more issues than one page holds is found."""
    ref = tracker.open(DRAFT)
    for number in range(120):
        other = {"title": f"other {number}", "labels": ["ml-health"]}
        github.state.perform("POST", "/repos/acme/plant/issues", {}, other)

    assert tracker.find(FINGERPRINT) == ref


def test_an_unchanged_issue_is_not_written(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An update that changes nothing costs no write, although GitHub may change line ends."""
    draft = IssueDraft(title="t", body="one\ntwo", labels=("severity:warning",), fingerprint=FINGERPRINT)
    ref = tracker.open(draft)
    github.state.issues[1]["body"] = github.state.issues[1]["body"].replace("\n", "\r\n")

    tracker.update(ref, draft)
    tracker.set_status(ref, IssueStatus.OPEN)

    assert github.sent("PATCH") == []


def test_our_own_deeds_and_bots_are_no_persons(github: GitHubServer, tracker: GitHubIssues) -> None:
    """Our writes, a bot's comment and the subscriptions that an assignment causes are nobody taking part."""
    ref = tracker.open(IssueDraft(title="t", body="", labels=("a",), assignees=("ann",), fingerprint=FINGERPRINT))
    tracker.update(ref, IssueDraft(title="t2", body="", labels=("b",), fingerprint=FINGERPRINT))
    tracker.comment(ref, "Still stuck.", "m:1")
    tracker.set_status(ref, IssueStatus.COMPLETED)
    github.state.act_as("stale[bot]", 1, kind="Bot", comment="This is stale.", labels=["stale"])

    assert not tracker.state(ref).person_took_part


@pytest.mark.parametrize(
    "act",
    [{"comment": "On it."}, {"labels": ["keep-open"]}, {"title": "Pump 7"}, {"state": "closed"}],
    ids=["comment", "label", "title", "close"],
)
@pytest.mark.parametrize("kind", ["User", "Bot"], ids=["user's token", "app's token"])
def test_whatever_a_person_does_shows(
    github: GitHubServer, tracker: GitHubIssues, kind: str, act: dict[str, object]
) -> None:
    """A comment, a label, another title or closing makes a person take part, whatever token is ours."""
    github.state.own_kind = kind
    ref = tracker.open(DRAFT)
    github.state.act_as("ann", 1, **act)

    assert tracker.state(ref).person_took_part


def test_a_comment_by_hand_from_our_own_account_is_a_persons(github: GitHubServer, tracker: GitHubIssues) -> None:
    """Where the token is an engineer's own, what that engineer writes still counts."""
    ref = tracker.open(DRAFT)
    github.state.act_as(github.state.own_login, 1, comment="I turned it off and on again.")

    assert tracker.state(ref).person_took_part


def test_a_transferred_issue_is_missing(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An issue that was moved to another repository is not ours to change any more."""
    ref = tracker.open(DRAFT)
    github.state.issues[1]["repository_url"] = f"{github.url}/repos/acme/elsewhere"

    assert tracker.state(ref).status is IssueStatus.MISSING


@pytest.mark.parametrize(
    ("fault", "unknown"),
    [
        (requests.ConnectTimeout("slow"), False),
        (requests.ReadTimeout("slow"), True),
        (requests.ConnectionError("reset"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.RetryError("too many"), True),
        (requests.exceptions.SSLError("bad certificate"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_faults_of_transport_are_passing(fault: Exception, unknown: bool) -> None:
    """Whatever the network does is told as passing, and as unknown unless nothing can have been sent."""
    tracker = GitHubIssues("acme/plant", "ghp_t0ken")
    root = "https://api.github.com:443/repos/acme/plant"
    facts = {
        "full_name": "acme/plant",
        "archived": False,
        "has_issues": True,
        "url": root.replace(":443", ""),
    }
    with responses.RequestsMock() as mock:
        mock.get(root, json=facts)
        post = mock.post(f"{root}/issues", body=fault)

        assert open_in_vain(tracker).outcome_unknown is unknown
        assert post.call_count == 1
    tracker.close()


def test_nobody_listening_is_a_known_outcome() -> None:
    """Where no connection is made nothing was sent."""
    with GitHubServer() as server:
        url = server.url
    tracker = GitHubIssues("acme/plant", "ghp_t0ken", base_url=url)

    fault = open_in_vain(tracker)

    assert not fault.outcome_unknown
    assert "cannot be reached" in str(fault)
    tracker.close()


def test_the_token_shows_nowhere(github: GitHubServer, tracker: GitHubIssues, caplog: pytest.LogCaptureFixture) -> None:
    """Neither repr, logs at DEBUG, errors nor issues hold the token, and bodies are not logged."""
    caplog.set_level(logging.DEBUG)
    echo = {"message": f"Bad header: Authorization: token {github.token}"}
    github.inject(method="POST", status=422, body=echo)

    with pytest.raises(TrackerRefusedError) as caught:
        tracker.open(DRAFT)
    planted = IssueDraft(title=f"seen {github.token}", body=f"body {github.token}", fingerprint=FINGERPRINT)
    ref = tracker.open(planted)
    tracker.comment(ref, f"comment {github.token}", "m:1")

    told = "".join(traceback.format_exception(caught.value)) + repr(tracker) + caplog.text
    filed = repr(github.state.issues) + repr(github.state.comments)
    assert github.token not in told + filed
    assert "body ***" in filed
    assert "body ***" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (("plant", "ghp_t0ken"), {}, "owner/name"),
        (("acme/plant/..", "ghp_t0ken"), {}, "owner/name"),
        (("acme/plant", ""), {}, "token"),
        (("acme/plant", "ghp_t0ken\nX-Evil: 1"), {}, "token"),
        (("acme/plant", "ghp_t0ken"), {"base_url": "http://git.example.com"}, "https"),
    ],
)
def test_bad_settings_are_refused_by_name(arguments: tuple[str, str], options: dict[str, str], named: str) -> None:
    """A wrong repository, token or address is refused before any call, without showing the token."""
    with pytest.raises(ConfigurationError, match=named) as caught:
        GitHubIssues(*arguments, **options)

    assert "t0ken" not in str(caught.value)


def test_a_slow_answer_within_the_deadline_counts(github: GitHubServer, tracker: GitHubIssues) -> None:
    """An answer that is merely slow is believed."""
    github.inject(method="POST", path=ISSUES, performed=True, delay_s=0.2)

    assert tracker.open(DRAFT).number == 1
