"""What a GitHub repository knows and does with its issues, as far as issue filing sees of it."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.contract.github_records import make_event, make_issue, make_label, make_repository, make_user

REPOSITORY_ID = 4711
_ROOT = re.compile(r"/repos/([^/]+/[^/]+)(/.*)?|/repositories/(\d+)(/.*)?")
_LABEL_COLOUR = "ededed"


class GitHubRefusal(Exception):  # noqa: N818 - an answer, not an error of the tests
    """An answer of 400 or above."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer: dict[str, Any] = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
        }


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a path leads: the path under the repository's present name, or where it has moved."""

    path: str
    moved_to: str | None = None


class GitHubState:
    """The state of one repository; people act on it through `act_as`, the API through `perform`."""

    def __init__(self, url: str, repository: str) -> None:
        self.url = url
        self.name = repository
        self.old_names: set[str] = set()
        self.archived = False
        self.has_issues = True
        self.may_push = True
        self.unknown_logins: set[str] = set()
        self.own_login = "ml-health-bot"
        self.own_kind = "User"
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.labels: dict[str, dict[str, Any]] = {}
        self._listed: dict[int, dict[str, Any]] | None = None
        self._last_id = 0

    def rename(self, repository: str) -> None:
        """Give the repository another name; the old one redirects."""
        self.old_names.add(self.name)
        self.name = repository
        for number, issue in self.issues.items():
            self.issues[number] = make_issue(self.url, repository, issue)

    def freeze_lists(self) -> None:
        """Let lists of issues show only what is there now."""
        self._listed = copy.deepcopy(self.issues)

    def thaw_lists(self) -> None:
        """Let lists show everything again."""
        self._listed = None

    def locate(self, path: str) -> Location:
        """Return where a path leads; numeric paths are the goal of redirects and never move."""
        match = _ROOT.fullmatch(path)
        if match is None:
            return Location(path=path)
        name, rest, number, numeric_rest = match.groups()
        if number == str(REPOSITORY_ID):
            return Location(path=f"/repos/{self.name}{numeric_rest or ''}")
        if name in self.old_names:
            return Location(path=path, moved_to=f"/repositories/{REPOSITORY_ID}{rest or ''}")
        return Location(path=path)

    def act_as(self, login: str, number: int, *, kind: str = "User", **act: Any) -> None:
        """Let somebody else comment (`comment=`), edit (`title=`, `labels=`, ...) or close (`state=`)."""
        user = make_user(self.url, login, kind)
        if comment := act.pop("comment", None):
            self._comment(number, comment, user)
        if act:
            self._edit(number, act, user)

    def delete(self, number: int) -> None:
        """Delete an issue, as its repository's owner may."""
        self.issues[number]["deleted"] = True

    def perform(
        self, method: str, path: str, query: dict[str, list[str]], body: Any
    ) -> tuple[int, Any, tuple[int, int] | None]:
        """Return status, answer and (page, last page) of a request under the repository's present name."""
        if path == "/user" and method == "GET":
            return 200, self._read_own_user(), None
        rest = path.removeprefix(f"/repos/{self.name}")
        if rest == path:
            raise GitHubRefusal(404, "Not Found")
        if method == "GET":
            return self._read(rest, query)
        return self._write(method, rest, body)

    def _read(self, rest: str, query: dict[str, list[str]]) -> tuple[int, Any, tuple[int, int] | None]:
        if rest == "":
            return 200, make_repository(self.url, self.name, REPOSITORY_ID, self), None
        if rest == "/labels":
            return 200, *_page(list(self.labels.values()), query)
        self._check_enabled()
        if rest == "/issues":
            return 200, *_page(self._list(query), query)
        number, part = _split_issue(rest)
        issue = self._find(number)
        if part == "":
            return 200, issue, None
        parts = {"/comments": self.comments, "/events": self.events}
        if part not in parts:
            raise GitHubRefusal(404, "Not Found")
        return 200, *_page(parts[part][number], query)

    def _write(self, method: str, rest: str, body: Any) -> tuple[int, Any, None]:
        if self.archived:
            raise GitHubRefusal(403, "Repository was archived so is read-only.")
        own = make_user(self.url, self.own_login, self.own_kind)
        if (method, rest) == ("POST", "/labels"):
            return 201, self._add_label(body["name"]), None
        self._check_enabled()
        if (method, rest) == ("POST", "/issues"):
            return 201, self._create(body, own), None
        number, part = _split_issue(rest)
        self._find(number)
        if (method, part) == ("POST", "/comments"):
            return 201, self._comment(number, body["body"], own), None
        if (method, part) == ("PATCH", ""):
            return 200, self._edit(number, body, own), None
        raise GitHubRefusal(404, "Not Found")

    def _check_enabled(self) -> None:
        if not self.has_issues:
            raise GitHubRefusal(410, "Issues are disabled for this repo")

    def _find(self, number: int) -> dict[str, Any]:
        if number not in self.issues:
            raise GitHubRefusal(404, "Not Found")
        if self.issues[number].get("deleted"):
            raise GitHubRefusal(410, "This issue was deleted")
        return self.issues[number]

    def _read_own_user(self) -> dict[str, Any]:
        if self.own_kind == "Bot":
            raise GitHubRefusal(403, "Resource not accessible by integration")
        return make_user(self.url, self.own_login, self.own_kind, public=True)

    def _list(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """Return issues as GitHub lists them: open ones only and newest first, unless asked otherwise."""
        shown = self.issues if self._listed is None else self._listed
        state = query.get("state", ["open"])[0]
        wanted = {name for name in query.get("labels", [""])[0].split(",") if name}
        since = query.get("since", [""])[0]
        found = [
            issue
            for issue in shown.values()
            if not issue.get("deleted")
            and state in ("all", issue["state"])
            and wanted <= {label["name"] for label in issue["labels"]}
            and issue["updated_at"] >= since
        ]
        newest_first = query.get("direction", ["desc"])[0] == "desc"
        return sorted(found, key=lambda issue: issue["number"], reverse=newest_first)

    def _create(self, body: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
        title, text = str(body["title"]), body.get("body")
        _check_text(title, text)
        if self.unknown_logins & set(body.get("assignees", [])):
            raise GitHubRefusal(422, "Validation Failed")
        number = len(self.issues) + 1
        names = body.get("labels", []) if self.may_push else []
        facts = {
            "id": self._next_id(),
            "number": number,
            "title": title,
            "body": text,
            "state": "open",
            "state_reason": None,
            "labels": [self._add_label(name) for name in names],
            "assignees": [make_user(self.url, login) for login in body.get("assignees", [])],
            "user": user,
            "created_at": _now(),
            "updated_at": _now(),
            "closed_at": None,
            "comments": 0,
        }
        self.issues[number] = make_issue(self.url, self.name, facts)
        self.comments[number], self.events[number] = [], []
        for assignee in self.issues[number]["assignees"]:
            self._record(number, "assigned", assignee, assignee=assignee, assigner=user)
            self._record(number, "subscribed", assignee)
        return self.issues[number]

    def _edit(self, number: int, body: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
        issue = self.issues[number]
        _check_text(body.get("title", issue["title"]), body.get("body"))
        if body.get("title", issue["title"]) != issue["title"]:
            change = {"from": issue["title"], "to": body["title"]}
            self._record(number, "renamed", user, rename=change)
        issue |= {key: body[key] for key in ("title", "body") if key in body}
        if "labels" in body:
            self._relabel(number, body["labels"], user)
        if body.get("state", issue["state"]) != issue["state"]:
            self._move(number, body, user)
        issue["updated_at"] = _now()
        return issue

    def _relabel(self, number: int, names: list[str], user: dict[str, Any]) -> None:
        issue = self.issues[number]
        before = {label["name"] for label in issue["labels"]}
        issue["labels"] = [self._add_label(name) for name in names]
        for event, changed in (("labeled", set(names) - before), ("unlabeled", before - set(names))):
            for name in sorted(changed):
                self._record(number, event, user, label={"name": name, "color": _LABEL_COLOUR})

    def _move(self, number: int, body: dict[str, Any], user: dict[str, Any]) -> None:
        issue = self.issues[number]
        closed = body["state"] == "closed"
        reason = body.get("state_reason") or ("completed" if closed else "reopened")
        issue |= {"state": body["state"], "state_reason": reason, "closed_at": _now() if closed else None}
        self._record(number, "closed" if closed else "reopened", user)

    def _comment(self, number: int, text: str, user: dict[str, Any]) -> dict[str, Any]:
        _check_text("a comment", text)
        url, comment_id = self.issues[number]["url"], self._next_id()
        page = self.issues[number]["html_url"]
        comment = {
            "id": comment_id,
            "node_id": f"IC_{comment_id}",
            "url": f"{self.url}/repos/{self.name}/issues/comments/{comment_id}",
            "html_url": f"{page}#issuecomment-{comment_id}",
            "issue_url": url,
            "user": user,
            "body": text,
            "author_association": "NONE",
            "performed_via_github_app": None,
            "created_at": _now(),
            "updated_at": _now(),
        }
        self.comments[number].append(comment)
        self.issues[number]["comments"] += 1
        return comment

    def _record(self, number: int, event: str, actor: dict[str, Any], **facts: Any) -> None:
        self.events[number].append(make_event(self.url, self.name, self._next_id(), event, actor, **facts))

    def _add_label(self, name: str) -> dict[str, Any]:
        return self.labels.setdefault(name, make_label(self.url, self.name, self._next_id(), name))

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _split_issue(rest: str) -> tuple[int, str]:
    match = re.fullmatch(r"/issues/(\d+)(/\w+)?", rest)
    if match is None:
        raise GitHubRefusal(404, "Not Found")
    return int(match[1]), match[2] or ""


def _page(rows: list[Any], query: dict[str, list[str]]) -> tuple[list[Any], tuple[int, int]]:
    size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
    return rows[(page - 1) * size : page * size], (page, math.ceil(len(rows) / size))


def _check_text(title: str, body: str | None) -> None:
    """Refuse what GitHub's database refuses; the description does not say so."""
    if not title.strip() or len(title) > 256 or len(body or "") > 65_536:
        refusal = GitHubRefusal(422, "Validation Failed")
        refusal.answer["errors"] = [{"resource": "Issue", "field": "body", "code": "custom"}]
        raise refusal


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
