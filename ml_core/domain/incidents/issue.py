"""An issue as this project files it: what is wanted, where it stands, and the marker by which it is found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ml_core.domain.incidents.markdown import cut_body, make_title
from ml_core.domain.incidents.redaction import redact

LABEL = "ml-health"
"""The label that every issue of ours carries unless a site names another; recovery lists by it."""

OWNED_LABEL_PREFIXES = ("severity:", "check:")
"""Labels that follow the incident; all others on an issue belong to people and stay."""

_FINGERPRINT = re.compile(r"[0-9a-f]{16,64}")
_COMMENT_MARKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:]{0,127}")
_COMMENT_ENDING = re.compile(r"<!-- ml-health:comment=\S+ -->\s*\Z")


class IssueStatus(Enum):
    """Where an issue stands; a duplicate counts as not planned: people chose to leave it."""

    OPEN = "open"
    COMPLETED = "completed"
    NOT_PLANNED = "not_planned"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    """Its address is in another tracker than the one that is asked."""


@dataclass(frozen=True, kw_only=True)
class IssueDraft:
    """What an issue shall say; `body` is Markdown without the hidden marker, which adapters add."""

    title: str
    body: str
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    fingerprint: str

    def __post_init__(self) -> None:
        if not _FINGERPRINT.fullmatch(self.fingerprint):
            raise ValueError(f"fingerprint must be 16 to 64 hexadecimal digits, got {self.fingerprint!r}")
        if not self.title.strip():
            raise ValueError("title must be a text that is not empty")

    @property
    def filed_title(self) -> str:
        """The title as it is filed: one line within the tracker's bound, nothing like a secret in it."""
        return make_title(redact(self.title))

    @property
    def filed_body(self) -> str:
        """The body as it is filed: without secrets, within the tracker's bound, the marker last."""
        return cut_body(redact(self.body), issue_marker(self.fingerprint))


@dataclass(frozen=True, kw_only=True)
class IssueRef:
    """Names a filed issue: its number in the tracker, and the address at which people read it."""

    number: int
    url: str


@dataclass(frozen=True, kw_only=True)
class IssueState:
    """What became of a filed issue."""

    status: IssueStatus
    labels: tuple[str, ...] = ()
    person_took_part: bool = False
    closed_at: datetime | None = None


def issue_marker(fingerprint: str) -> str:
    """Return the hidden line by which an issue's body is recognised."""
    return f"<!-- ml-health:fingerprint={fingerprint} -->"


def comment_marker(marker: str) -> str:
    """Return the hidden line by which a comment is recognised, so that it is made once."""
    if not _COMMENT_MARKER.fullmatch(marker):
        raise ValueError(f"marker must be 1 to 128 letters, digits, '.', ':' or '_', got {marker!r}")
    return f"<!-- ml-health:comment={marker} -->"


def filed_comment(text: str, marker: str) -> str:
    """Return a comment as it is filed: without secrets, within the tracker's bound, its marker last."""
    return cut_body(redact(text), comment_marker(marker))


def is_own_comment(text: str) -> bool:
    """Tell whether a comment ends with a marker of ours; any other was made by somebody else."""
    return _COMMENT_ENDING.search(text) is not None


def merge_labels(label: str, wanted: Iterable[str], current: Iterable[str] = ()) -> tuple[str, ...]:
    """Return our own label, the wanted ones and, of the current ones, those that belong to people."""
    kept = (name for name in current if not name.startswith(OWNED_LABEL_PREFIXES))
    return tuple(dict.fromkeys((label, *wanted, *kept)))
