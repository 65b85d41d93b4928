"""The folder of issues where people edit, several processes write, and the disk fails."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_core.adapters.issues.issue_folder import IssueFolder
from ml_core.domain.incidents.issue import IssueDraft, IssueRef, IssueStatus
from ml_core.errors import TrackerUnavailableError

FINGERPRINT = "a1" * 32


def make_draft(number: int = 0, title: str = "pump-7 is stuck") -> IssueDraft:
    """Return a draft with a fingerprint of its own."""
    return IssueDraft(title=title, body="Since 3 h.", assignees=("ann",), fingerprint=f"{number:064x}")


def test_the_file_reads_well(tmp_path: Path) -> None:
    """A newcomer sees a front matter and the issue, under the path that the reference names."""
    ref = IssueFolder(tmp_path, label="plant").open(make_draft(title='pump "7": stuck'))

    text = Path(ref.url).read_text()
    assert Path(ref.url) == tmp_path / "0001.md"
    assert text.startswith('---\nnumber: 1\ntitle: "pump \\"7\\": stuck"\nstate: "open"\n')
    assert 'labels: ["plant"]\nassignees: ["ann"]\n' in text
    assert "\n---\n\nSince 3 h.\n\n<!-- ml-health:fingerprint=" in text


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    """Looking makes no folder."""
    tracker = IssueFolder(tmp_path / "issues")

    assert tracker.find(FINGERPRINT) is None
    assert tracker.state(IssueRef(number=1, url=str(tmp_path / "issues" / "0001.md"))).status is IssueStatus.MISSING
    assert list(tmp_path.iterdir()) == []


def test_writers_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    """Twenty issues from eight writers are twenty files, none half-written."""
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda number: IssueFolder(tmp_path).open(make_draft(number)), range(20)))

    assert sorted(ref.number for ref in refs) == list(range(1, 21))
    assert len(list(tmp_path.glob("*.md"))) == 20
    assert list(tmp_path.glob("*.tmp")) == []


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("state: closed\nstate_reason: not planned", IssueStatus.NOT_PLANNED),
        ("state: closed\nstate_reason: duplicate", IssueStatus.NOT_PLANNED),
        ('state: "closed"\nstate_reason: null', IssueStatus.COMPLETED),
        ("state: nonsense", IssueStatus.OPEN),
    ],
)
def test_a_state_written_by_hand_counts(tmp_path: Path, written: str, status: IssueStatus) -> None:
    """People may write plain words without quotes; that they wrote is seen, also after our next write."""
    tracker = IssueFolder(tmp_path)
    ref = tracker.open(make_draft())
    file = Path(ref.url)
    file.write_text(file.read_text().replace('state: "open"\nstate_reason: null', written))

    tracker.update(ref, make_draft())

    state = tracker.state(ref)
    assert (state.status, state.person_took_part) == (status, True)


def test_labels_written_by_hand_are_read(tmp_path: Path) -> None:
    """Labels without quotes are labels."""
    tracker = IssueFolder(tmp_path)
    ref = tracker.open(make_draft())
    file = Path(ref.url)
    file.write_text(file.read_text().replace('labels: ["ml-health"]', "labels: [ml-health, keep-open]"))

    assert tracker.state(ref).labels == ("ml-health", "keep-open")


def test_a_file_full_of_nonsense_is_an_open_issue(tmp_path: Path) -> None:
    """What cannot be read is no error and closes nothing; a person plainly took part."""
    tracker = IssueFolder(tmp_path)
    ref = tracker.open(make_draft())
    Path(ref.url).write_bytes(b"\xff\xfe labels: 7\n---\n\nclosed_at: soon")

    state = tracker.state(ref)
    assert (state.status, state.person_took_part, state.closed_at) == (IssueStatus.OPEN, True, None)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """Notes beside the issues are neither read nor counted."""
    (tmp_path / "README.md").write_text("Notes")
    (tmp_path / ".last_number").write_text("nonsense")

    assert IssueFolder(tmp_path).open(make_draft()).number == 1
    assert (tmp_path / "README.md").read_text() == "Notes"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is a passing fault that names the path."""
    (tmp_path / "issues").write_text("in the way")

    with pytest.raises(TrackerUnavailableError, match=re.escape(str(tmp_path / "issues"))):
        IssueFolder(tmp_path / "issues").open(make_draft())
    with pytest.raises(TrackerUnavailableError):
        IssueFolder(tmp_path / "issues").find(FINGERPRINT)
