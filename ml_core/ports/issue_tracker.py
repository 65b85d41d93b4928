"""Where incidents are told to people: GitHub, or a folder of rendered Markdown."""

from __future__ import annotations

from typing import Protocol

from ml_core.domain.incidents.issue import IssueDraft, IssueRef, IssueState, IssueStatus


class IssueTracker(Protocol):
    """Files, refreshes and closes issues.

    Every method raises TrackerUnavailableError for a fault that passes: its `retry_after_s` says how long no
    call is permitted, its `outcome_unknown` that a write may have happened. TrackerRefusedError is for what a
    person must mend. No method sends a write twice.
    """

    def open(self, draft: IssueDraft) -> IssueRef:
        """File a new issue. Not idempotent: after an unknown outcome, `find` before asking again."""
        ...

    def update(self, ref: IssueRef, draft: IssueDraft) -> None:
        """Make title, body and our labels the draft's; people's labels and assignees stay. Idempotent."""
        ...

    def comment(self, ref: IssueRef, text: str, marker: str) -> None:
        """Add a comment unless one with this marker (letters, digits, `.`, `:`, `_`) stands. Idempotent."""
        ...

    def set_status(self, ref: IssueRef, status: IssueStatus) -> None:
        """Close (COMPLETED, NOT_PLANNED) or reopen (OPEN) the issue. Idempotent.

        A closed issue is not closed again, so that a person's "not planned" stays.
        """
        ...

    def find(self, fingerprint: str) -> IssueRef | None:
        """Return the issue that carries the fingerprint's marker, an open one first, then the newest.

        For recovery only: lists lag minutes behind writes, so None soon after a write proves nothing.
        """
        ...

    def state(self, ref: IssueRef) -> IssueState:
        """Return where the issue stands; MISSING where it was deleted or moved away.

        ELSEWHERE where its address was never in this tracker: its number may be somebody else's issue here.
        """
        ...
