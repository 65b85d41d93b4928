"""One issue as a Markdown file: front matter, body, comments, and a seal that shows foreign edits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ml_core.domain.incidents.issue import IssueStatus

_RULE = "---"
_COMMENTS = "<!-- ml-health:comments -->"


@dataclass(frozen=True, kw_only=True)
class IssueFile:
    """What an issue's file says."""

    number: int
    status: IssueStatus
    title: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    fingerprint: str
    body: str
    comments: str = ""
    closed_at: datetime | None = None
    person_took_part: bool = False

    def revise(self, **changes: Any) -> IssueFile:
        """Return the issue with these fields changed."""
        return replace(self, **changes)


def render_issue(issue: IssueFile) -> str:
    """Return the file's text, sealed."""
    facts = {
        "number": issue.number,
        "title": issue.title,
        "state": "open" if issue.status is IssueStatus.OPEN else "closed",
        "state_reason": None if issue.status is IssueStatus.OPEN else issue.status.value,
        "labels": list(issue.labels),
        "assignees": list(issue.assignees),
        "fingerprint": issue.fingerprint,
        "closed_at": issue.closed_at.isoformat() if issue.closed_at else None,
        "person_took_part": issue.person_took_part,
    }
    front = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    rest = f"{_RULE}\n\n{issue.body.rstrip()}\n\n{_COMMENTS}\n{issue.comments}"
    seal = _seal("\n".join(front), rest)
    return "\n".join([_RULE, *front, f"seal: {json.dumps(seal)}", rest])


def parse_issue(text: str, *, number: int) -> IssueFile:
    """Return what the file says; edits that make a field unreadable leave its plainest value."""
    front, rest = _split(text)
    facts = {key.strip(): _read_value(value) for key, _, value in (line.partition(":") for line in front)}
    body, _, comments = rest.removeprefix(f"{_RULE}\n\n").partition(f"{_COMMENTS}\n")
    unsealed = "\n".join(line for line in front if not line.startswith("seal:"))
    return IssueFile(
        number=number,
        status=_read_status(facts),
        title=str(facts.get("title") or ""),
        labels=_read_names(facts.get("labels")),
        assignees=_read_names(facts.get("assignees")),
        fingerprint=str(facts.get("fingerprint") or ""),
        body=body,
        comments=comments,
        closed_at=_read_time(facts.get("closed_at")),
        person_took_part=facts.get("person_took_part") is True or facts.get("seal") != _seal(unsealed, rest),
    )


def _split(text: str) -> tuple[list[str], str]:
    """Return the front matter's lines, and the rest from its closing rule on."""
    lines = text.replace("\r\n", "\n").split("\n")
    end = next((index for index, line in enumerate(lines) if index and line == _RULE), len(lines))
    return lines[1:end], "\n".join(lines[end:])


def _seal(front: str, rest: str) -> str:
    return hashlib.sha256(f"{front}\n{rest}".encode()).hexdigest()[:16]


def _read_value(text: str) -> Any:
    """Return the JSON value, or the plain word that a person wrote without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _read_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [name.strip() for name in value.strip("[]").split(",")]
    return tuple(str(name) for name in value if name) if isinstance(value, list) else ()


def _read_status(facts: dict[str, Any]) -> IssueStatus:
    if facts.get("state") != "closed":
        return IssueStatus.OPEN
    left_alone = facts.get("state_reason") in ("not_planned", "not planned", "duplicate")
    return IssueStatus.NOT_PLANNED if left_alone else IssueStatus.COMPLETED


def _read_time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None
