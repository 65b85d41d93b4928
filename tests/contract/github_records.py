"""GitHub's records in full, as its description demands them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_USER_LINKS = """
followers following gists organizations received_events repos starred subscriptions events
"""
_REPOSITORY_LINKS = """
archive assignees blobs branches collaborators comments commits compare contents contributors
deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events
issues keys labels languages merges milestones notifications pulls releases stargazers statuses
subscribers subscription tags teams trees
"""
_ZERO_COUNTS = """
forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count
network_count subscribers_count
"""


def make_user(url: str, login: str, kind: str = "User", *, public: bool = False) -> dict[str, Any]:
    """Return an account; `public` adds what only a profile tells."""
    home = f"{url}/users/{login}"
    number = sum(ord(letter) for letter in login)
    user = {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"{url}/avatars/{login}",
        "gravatar_id": "",
        "url": home,
        "html_url": f"{url}/{login}",
        "type": kind,
        "site_admin": False,
        **{f"{link}_url": f"{home}/{link}" for link in _USER_LINKS.split()},
    }
    if public:
        empty = dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location", "name"))
        zero = dict.fromkeys(("followers", "following", "public_gists", "public_repos"), 0)
        user |= {**empty, **zero, "user_view_type": "public", "created_at": _now(), "updated_at": _now()}
    return user


def make_label(url: str, repository: str, number: int, name: str) -> dict[str, Any]:
    """Return a label."""
    return {
        "id": number,
        "node_id": f"LA_{number}",
        "url": f"{url}/repos/{repository}/labels/{number}",
        "name": name,
        "description": None,
        "color": "ededed",
        "default": False,
    }


def make_repository(url: str, name: str, number: int, state: Any) -> dict[str, Any]:
    """Return the repository; `state` says whether it is archived and has issues."""
    home, page = f"{url}/repos/{name}", f"{url}/{name}"
    owner, short_name = name.split("/")
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": short_name,
        "full_name": name,
        "owner": make_user(url, owner, "Organization"),
        "private": True,
        "html_url": page,
        "description": None,
        "fork": False,
        "url": home,
        **{f"{link}_url": f"{home}/{link}" for link in _REPOSITORY_LINKS.split()},
        **dict.fromkeys(_ZERO_COUNTS.split(), 0),
        "clone_url": f"{page}.git",
        "git_url": f"git:{page.removeprefix('http:')}.git",
        "ssh_url": f"git@localhost:{name}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "default_branch": "main",
        "has_issues": state.has_issues,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": state.archived,
        "disabled": False,
        "pushed_at": _now(),
        "created_at": _now(),
        "updated_at": _now(),
    }


def make_issue(url: str, repository: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return an issue with these facts, its addresses under the repository's name."""
    home = f"{url}/repos/{repository}/issues/{facts['number']}"
    return {
        **facts,
        "node_id": f"I_{facts['id']}",
        "url": home,
        "repository_url": f"{url}/repos/{repository}",
        "html_url": f"{url}/{repository}/issues/{facts['number']}",
        "labels_url": f"{home}/labels",
        "comments_url": f"{home}/comments",
        "events_url": f"{home}/events",
        "assignee": next(iter(facts["assignees"]), None),
        "milestone": None,
        "locked": False,
        "author_association": "COLLABORATOR",
    }


def make_event(
    url: str, repository: str, number: int, event: str, actor: dict[str, Any], **facts: Any
) -> dict[str, Any]:
    """Return something that happened to an issue."""
    return {
        "id": number,
        "node_id": f"E_{number}",
        "url": f"{url}/repos/{repository}/issues/events/{number}",
        "actor": actor,
        "event": event,
        "commit_id": None,
        "commit_url": None,
        "created_at": _now(),
        "performed_via_github_app": None,
        **facts,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
