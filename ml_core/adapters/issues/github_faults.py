"""What went wrong between us and GitHub, as one of the two errors that the issue tracker's port knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests
from github import BadAttributeException, GithubException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from ml_core.errors import TrackerRefusedError, TrackerUnavailableError

FAULTS = (
    GithubException,
    BadAttributeException,
    requests.RequestException,
    ValueError,  # broken JSON, and headers that are no numbers
    TypeError,  # ... an answer of another shape than GitHub's, such as a guest network's page
    LookupError,
    AttributeError,
    RuntimeError,  # PyGithub's word for a redirect to another host
    AssertionError,  # ... and for an address outside of the base URL
)
"""All families of exceptions that leave PyGithub."""

DEFAULT_WAIT_S = 60.0
"""GitHub asks for a minute where a limit's answer names no time."""

_LONGEST_WAIT_S = 86_400.0
_ADVICE = {
    401: "the token is wrong or has expired: set a new one",
    403: "the token needs permission to write issues, and the repository must not be archived",
    404: "the repository does not exist or the token may not see it: check both",
    410: "issues are disabled in the repository: enable them",
    422: "the content was refused: check the assignees and labels",
}


def translate_fault(fault: Exception, *, writing: bool, now: datetime) -> TrackerUnavailableError | TrackerRefusedError:
    """Return the port's error for one of FAULTS; `writing` says that the call may have changed something."""
    if isinstance(fault, GithubException):
        return _translate_answer(fault, writing=writing, now=now)
    kind = type(fault).__name__
    if isinstance(fault, RuntimeError | AssertionError):
        return TrackerRefusedError("GitHub sent us to an address outside of its base URL: check the base URL")
    if isinstance(fault, requests.RequestException) and _never_sent(fault):
        return TrackerUnavailableError(f"GitHub cannot be reached ({kind}): check the network")
    return TrackerUnavailableError(f"GitHub gave no usable answer ({kind})", outcome_unknown=writing)


def _translate_answer(
    fault: GithubException, *, writing: bool, now: datetime
) -> TrackerUnavailableError | TrackerRefusedError:
    headers = {name.lower(): str(value) for name, value in (fault.headers or {}).items()}
    message = _read_message(fault)
    told = f"GitHub answered {fault.status}{f' ({message})' if message else ''}"
    wait_s = read_wait_s(headers, now)
    if _is_limit(fault.status, headers, message):
        wait_s = DEFAULT_WAIT_S if wait_s is None else wait_s
        return TrackerUnavailableError(f"{told}: wait {wait_s:.0f} s", retry_after_s=wait_s)
    if fault.status >= 500 or fault.status in (408, 409):
        return TrackerUnavailableError(told, retry_after_s=wait_s, outcome_unknown=writing)
    advice = _ADVICE.get(fault.status, "a person must look")
    return TrackerRefusedError(f"{told}: {advice}", content_refused=fault.status == 422)


def _is_limit(status: int, headers: Mapping[str, str], message: str) -> bool:
    """Tell a limit from a refusal: GitHub answers 403 to both."""
    if status != 403:
        return status == 429
    if "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0":
        return True
    return any(words in message.lower() for words in ("rate limit", "abuse detection"))


def read_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return for how many seconds no call is permitted, by the answer's (lower-case) headers, if they say.

    The limit's end is compared with the answer's own date, because our clock may be wrong.
    """
    server_now = _read_date(headers.get("date", "")) or now
    waits_s = []
    retry_after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", retry_after):
        waits_s.append(float(retry_after))
    elif until := _read_date(retry_after):
        waits_s.append((until - server_now).total_seconds())
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"\d{1,12}", reset):
        waits_s.append(int(reset) - server_now.timestamp() + 1)
    return min(max(0.0, *waits_s), _LONGEST_WAIT_S) if waits_s else None


def _read_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else None


def _read_message(fault: GithubException) -> str:
    """Return GitHub's own short word, not the page of HTML that a gateway sends."""
    message = fault.data.get("message") if isinstance(fault.data, dict) else None
    return " ".join(message.split())[:200] if isinstance(message, str) else ""


def _never_sent(fault: requests.RequestException) -> bool:
    """Tell whether no connection was made, so that nothing can have happened."""
    if isinstance(fault, requests.ConnectTimeout):
        return True
    cause = fault.args[0] if fault.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
