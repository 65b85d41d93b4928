"""Drafts, markers and labels of issues."""

from __future__ import annotations

import pytest

from ml_core.domain.incidents.issue import (
    IssueDraft,
    comment_marker,
    filed_comment,
    is_own_comment,
    issue_marker,
    merge_labels,
)

FINGERPRINT = "a1" * 32


def test_a_draft_is_filed_with_its_marker_last() -> None:
    """Title and body are within bounds and free of secrets, the fingerprint's marker ends the body."""
    draft = IssueDraft(title="two\nlines", body="password=hunter2", fingerprint=FINGERPRINT)

    assert draft.filed_title == "two lines"
    assert draft.filed_body == f"password=***\n\n{issue_marker(FINGERPRINT)}\n"


@pytest.mark.parametrize(("title", "fingerprint"), [("t", "pump-7"), ("t", "A1" * 32), ("t", ""), (" ", FINGERPRINT)])
def test_a_draft_without_title_or_fingerprint_is_refused(title: str, fingerprint: str) -> None:
    """A marker that could not be found again, or an empty title, is refused by name."""
    with pytest.raises(ValueError, match=r"fingerprint must|title must"):
        IssueDraft(title=title, body="", fingerprint=fingerprint)


def test_our_comments_are_known_by_their_marker() -> None:
    """Only a comment that ends with a marker is ours."""
    own = filed_comment("Recovered.", "incident:7.closed")

    assert own == f"Recovered.\n\n{comment_marker('incident:7.closed')}\n"
    assert is_own_comment(own)
    assert not is_own_comment(f"{own}\nI disagree.")
    assert not is_own_comment("Recovered.")


@pytest.mark.parametrize("marker", ["", "two words", "a-->b", "x" * 129, "-"])
def test_a_marker_that_could_break_out_is_refused(marker: str) -> None:
    """A comment's marker is plain, so that it cannot end the hidden line early."""
    with pytest.raises(ValueError, match="marker must be"):
        comment_marker(marker)


def test_labels_follow_the_incident_and_keep_peoples() -> None:
    """Severity and check are replaced, our label is first, what people added stays."""
    current = ("keep-open", "severity:warning", "check:lag", "ml-health")

    assert merge_labels("ml-health", ("severity:critical",), current) == (
        "ml-health",
        "severity:critical",
        "keep-open",
    )
