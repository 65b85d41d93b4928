"""Whether a person took part in an issue, as far as GitHub's comments and events tell."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from github.Issue import Issue
from github.IssueEvent import IssueEvent

from ml_core.domain.incidents.issue import is_own_comment

_PASSIVE_EVENTS = frozenset({"mentioned", "subscribed", "unsubscribed"})
"""Events whose actor did nothing: GitHub subscribes whoever is assigned or mentioned."""


def has_person(issue: Issue, own: AbstractSet[str | None]) -> bool:
    """Tell whether anybody else took part; a comment without our marker is a person's, whoever's account."""
    for comment in issue.get_comments():
        if not is_own_comment(comment.body or "") and (comment.user is None or comment.user.type != "Bot"):
            return True
    return any(_is_act_of_person(event, own) for event in issue.get_events())


def _is_act_of_person(event: IssueEvent, own: AbstractSet[str | None]) -> bool:
    # For an assignment GitHub names the assigned as the actor.
    actor = event.assigner if event.event in ("assigned", "unassigned") else event.actor
    if actor is None or event.event in _PASSIVE_EVENTS:
        return False
    return actor.login not in own and actor.type != "Bot"
