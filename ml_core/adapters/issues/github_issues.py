"""The issue tracker on GitHub, through PyGithub."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from github import GithubException
from github.Issue import Issue
from github.Repository import Repository

from ml_core.adapters.issues.github_account import Account
from ml_core.adapters.issues.github_client import GitHubClient
from ml_core.adapters.issues.github_participation import has_person
from ml_core.domain.incidents.issue import (
    LABEL,
    IssueDraft,
    IssueRef,
    IssueState,
    IssueStatus,
    comment_marker,
    filed_comment,
    issue_marker,
    merge_labels,
)
from ml_core.errors import TrackerRefusedError

logger = logging.getLogger(__name__)


class GitHubIssues:
    """The IssueTracker on GitHub or GitHub Enterprise; `repository` is `owner/name`.

    `clock` counts seconds for pauses, `now` stands in where an answer carries no date.
    """

    def __init__(
        self,
        repository: str,
        account: Account,
        *,
        base_url: str = "https://api.github.com",
        label: str = LABEL,
        timeout_s: int = 15,
        write_gap_s: float = 1.0,
        read_retries: int = 2,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._label = label
        self._client = GitHubClient(
            repository,
            account,
            base_url=base_url,
            timeout_s=timeout_s,
            write_gap_s=write_gap_s,
            read_retries=read_retries,
            clock=clock,
            sleep=sleep,
            now=now,
        )

    def __repr__(self) -> str:
        return f"GitHubIssues({self._client!r})"

    def close(self) -> None:
        """Close the connection to GitHub."""
        self._client.close()

    def open(self, draft: IssueDraft) -> IssueRef:
        """File a new issue with one POST. Not idempotent: after an unknown outcome, `find` first.

        GitHub refuses an issue whole for one assignee that it does not know: such a one is filed unassigned.
        """
        url = f"{self._client.find_repository().url}/issues"
        wanted = {**self._render(draft), "labels": list(merge_labels(self._label, draft.labels))}
        try:
            answer = self._client.write("POST", url, {**wanted, "assignees": list(draft.assignees)})
        except TrackerRefusedError as exc:
            if not exc.content_refused or not draft.assignees:
                raise
            answer = self._client.write("POST", url, wanted)
            logger.warning(
                "issue #%s is not assigned: GitHub does not take %s", answer["number"], ", ".join(draft.assignees)
            )
        if self._label not in _label_names(answer):
            logger.warning("labels of issue #%s were dropped: the token needs push access", answer["number"])
        return IssueRef(number=int(answer["number"]), url=str(answer["html_url"]))

    def update(self, ref: IssueRef, draft: IssueDraft) -> None:
        """Make title, body and our labels the draft's, with one PATCH if anything differs. Idempotent."""
        issue = self._get_issue(ref)
        with self._client.calling():
            current = [label.name for label in issue.labels]
            found = {"title": issue.title, "body": _same_lines(issue.body), "labels": sorted(current)}
        text, labels = self._render(draft), sorted(merge_labels(self._label, draft.labels, current))
        if found != {**text, "body": _same_lines(text["body"]), "labels": labels}:
            self._client.write("PATCH", issue.url, {**text, "labels": labels})

    def comment(self, ref: IssueRef, text: str, marker: str) -> None:
        """Add a comment with one POST unless one with this marker stands. Idempotent."""
        body, hidden = self._client.redact(filed_comment(text, marker)), comment_marker(marker)
        issue = self._get_issue(ref)
        with self._client.calling():
            stands = any(hidden in (comment.body or "") for comment in issue.get_comments())
        if not stands:
            self._client.write("POST", f"{issue.url}/comments", {"body": body})

    def set_status(self, ref: IssueRef, status: IssueStatus) -> None:
        """Close or reopen with one PATCH if that changes anything. Idempotent."""
        if status in (IssueStatus.MISSING, IssueStatus.ELSEWHERE):
            raise ValueError("status must be OPEN, COMPLETED or NOT_PLANNED: an issue cannot be made missing")
        state = "open" if status is IssueStatus.OPEN else "closed"
        reason = "reopened" if status is IssueStatus.OPEN else status.value
        issue = self._get_issue(ref)
        if issue.state != state:
            self._client.write("PATCH", issue.url, {"state": state, "state_reason": reason})

    def find(self, fingerprint: str) -> IssueRef | None:
        """Return the issue that carries the fingerprint's marker, an open one first, then the newest.

        All issues with our label are read, then the newest hundred without it: GitHub drops labels that a
        token may not set. The repository is looked up anew: a list that is redirected loses its filters.
        """
        repository = self._client.find_repository(anew=True)
        closed: IssueRef | None = None
        with self._client.calling():
            for issue in _list_candidates(repository, self._label):
                if issue.pull_request is not None or issue_marker(fingerprint) not in (issue.body or ""):
                    continue
                ref = IssueRef(number=issue.number, url=issue.html_url)
                if issue.state == "open":
                    return ref
                closed = closed or ref
        return closed

    def state(self, ref: IssueRef) -> IssueState:
        """Return where the issue stands, its labels, and whether anybody but us commented or acted."""
        if not self._stands_here(ref):
            return IssueState(status=IssueStatus.ELSEWHERE)
        issue = self._look_up(ref)
        if issue is None:
            return IssueState(status=IssueStatus.MISSING)
        own = {issue.user.login if issue.user else None, self._client.find_login()}
        with self._client.calling():
            return IssueState(
                status=_read_status(issue),
                labels=tuple(label.name for label in issue.labels),
                person_took_part=has_person(issue, own),
                closed_at=issue.closed_at,
            )

    def _render(self, draft: IssueDraft) -> dict[str, str]:
        redact = self._client.redact
        return {"title": redact(draft.filed_title), "body": redact(draft.filed_body)}

    def _stands_here(self, ref: IssueRef) -> bool:
        """Tell whether the issue's address is in this repository, also under an earlier name of it."""
        page = self._client.find_repository().html_url
        if ref.url == f"{page}/issues/{ref.number}":
            return True
        site, name = page.rsplit("/", 2)[0], "/".join(ref.url.split("/")[-4:-2])
        return ref.url == f"{site}/{name}/issues/{ref.number}" and self._client.is_earlier_name(name)

    def _get_issue(self, ref: IssueRef) -> Issue:
        issue = self._look_up(ref)
        if issue is None:
            raise TrackerRefusedError(f"issue #{ref.number} was deleted or moved away: file a new one")
        return issue

    def _look_up(self, ref: IssueRef) -> Issue | None:
        """Return the issue, or None if it is gone although the repository is there and open to us."""
        repository = self._client.find_repository()
        with self._client.calling():
            try:
                issue = repository.get_issue(ref.number)
                if not isinstance(issue.raw_data["number"], int):
                    raise TypeError("an issue without a number is another page's answer")
            except GithubException as fault:
                if fault.status not in (404, 410):
                    raise
                issue = None
        if issue is not None and issue.repository_url == repository.url:
            return issue
        repository = self._client.find_repository(anew=True)
        return issue if issue is not None and issue.repository_url == repository.url else None


def _list_candidates(repository: Repository, label: str) -> Iterator[Issue]:
    yield from repository.get_issues(state="all", labels=[label], sort="created", direction="desc")
    yield from repository.get_issues(state="all", sort="created", direction="desc").get_page(0)


def _read_status(issue: Issue) -> IssueStatus:
    if issue.state == "open":
        return IssueStatus.OPEN
    left_alone = issue.state_reason in ("not_planned", "duplicate")
    return IssueStatus.NOT_PLANNED if left_alone else IssueStatus.COMPLETED


def _label_names(answer: Mapping[str, Any]) -> set[str]:
    labels = answer.get("labels") or ()
    return {label if isinstance(label, str) else str(label.get("name")) for label in labels}


def _same_lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()
