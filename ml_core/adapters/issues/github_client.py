"""The line to GitHub: one request a write, no call before GitHub permits it, faults in the port's words."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from github import Github
from github.Repository import Repository
from urllib3.util import Retry

from ml_core.adapters.issues.github_account import Account, check_account, make_auth, secrets_of
from ml_core.adapters.issues.github_faults import FAULTS, translate_fault
from ml_core.domain.incidents.redaction import redact
from ml_core.errors import ConfigurationError, TrackerRefusedError, TrackerUnavailableError

logger = logging.getLogger(__name__)


class _ReadRetry(Retry):
    """Retries reads, but never earlier than an answer permits: there the caller waits instead."""

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return not has_retry_after and super().is_retry(method, status_code, has_retry_after)


class GitHubClient:
    """One repository's line to GitHub; token and key show nowhere. Not for several threads."""

    def __init__(
        self,
        repository: str,
        account: Account,
        *,
        base_url: str,
        timeout_s: int,
        write_gap_s: float,
        read_retries: int,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        _check_arguments(repository, base_url)
        check_account(account)
        # At DEBUG PyGithub logs the bodies of issues; a site's root level must not switch that on.
        logging.getLogger("github.Requester").setLevel(logging.INFO)
        self._name, self._secrets, self._base_url = repository, secrets_of(account), base_url
        self._write_gap_s, self._clock, self._sleep, self._now = write_gap_s, clock, sleep, now
        self._repository: Repository | None = None
        self._login: str | None = None
        self._next_write_at = self._blocked_until = clock()
        self._github = Github(
            auth=make_auth(account),
            base_url=base_url,
            timeout=timeout_s,
            user_agent="iiot-ml-health",
            per_page=100,
            retry=_make_retry(read_retries),
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def __repr__(self) -> str:
        return f"GitHubClient(repository={self._name!r}, base_url={self._base_url!r})"

    def close(self) -> None:
        """Close the connection."""
        self._github.close()

    def find_repository(self, *, anew: bool = False) -> Repository:
        """Return the repository under its present name; archived or without issues, it is refused."""
        if self._repository is None or anew:
            with self.calling():
                found = self._github.get_repo(self._name)
                facts = found.raw_data
            self._check_repository(facts)
            self._repository = found
        return self._repository

    def is_earlier_name(self, name: str) -> bool:
        """Tell whether another name leads to our repository, as it does after a rename."""
        repository = self.find_repository()
        try:
            with self.calling():
                return self._github.get_repo(name).id == repository.id
        except TrackerRefusedError:
            return False

    def find_login(self) -> str | None:
        """Return the token's own login; an app's token has none, and its deeds are marked as a bot's."""
        if self._login is None:
            try:
                with self.calling():
                    self._login = self._github.get_user().login
            except TrackerRefusedError:
                self._login = ""
        return self._login or None

    def write(self, verb: str, url: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Send one write and return its answer, which must be the thing written."""
        if (gap_s := self._next_write_at - self._clock()) > 0:
            self._sleep(gap_s)
        try:
            with self.calling(writing=True):
                headers, answer = self._github.requester.requestJsonAndCheck(verb, url, input=dict(wanted))
        finally:
            self._next_write_at = self._clock() + self._write_gap_s
        if isinstance(answer, dict) and isinstance(answer.get("id"), int) and answer.get("html_url"):
            return answer
        if "location" in headers:  # PyGithub takes a 307 for a success
            self._repository = None
            raise TrackerUnavailableError("the repository has moved: its name is looked up at the next call")
        raise TrackerUnavailableError("GitHub gave no usable answer to a write", outcome_unknown=True)

    @contextmanager
    def calling(self, *, writing: bool = False) -> Iterator[None]:
        """Keep calls out while GitHub permits none, and raise its faults as the port's errors.

        The cause is dropped: an answer or request that it carries may hold the token.
        """
        if (wait_s := self._blocked_until - self._clock()) > 0:
            raise TrackerUnavailableError(f"GitHub permits no call for {wait_s:.0f} s", retry_after_s=wait_s)
        try:
            yield
        except FAULTS as fault:
            error = translate_fault(fault, writing=writing, now=self._now())
            error.args = (self.redact(str(error)),)
            if isinstance(error, TrackerUnavailableError) and error.retry_after_s:
                self._blocked_until = self._clock() + error.retry_after_s
            raise error from None

    def redact(self, text: str) -> str:
        """Return `text` without the token or key."""
        return redact(text, self._secrets)

    def _check_repository(self, facts: object) -> None:
        name = str(facts.get("full_name") or "") if isinstance(facts, dict) else ""
        if not isinstance(facts, dict) or not name:
            raise TrackerUnavailableError(f"GitHub answered without the name of {self._name}")
        if facts.get("archived"):
            raise TrackerRefusedError(f"repository {name} is archived: unarchive it or name another")
        if not facts.get("has_issues", True):
            raise TrackerRefusedError(f"issues are disabled in repository {name}: enable them")
        if name.lower() != self._name.lower():
            logger.warning("repository %s is now %s: change the setting", self._name, name)


def _check_arguments(repository: str, base_url: str) -> None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
        raise ConfigurationError(f"github.repository must be written owner/name, got {repository!r}")
    address = urlsplit(base_url)
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigurationError(f"github.base_url must begin with https://, got {redact(base_url)!r}")


def _make_retry(read_retries: int) -> Retry:
    """Return the retry rule: reads only, because a write sent twice is two issues."""
    return _ReadRetry(
        total=read_retries,
        connect=0,
        allowed_methods={"GET", "HEAD"},
        status_forcelist={500, 502, 503, 504},
        backoff_factor=0.3,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
