"""The issue tracker as a folder of Markdown files: what a site without a token files, and people may edit."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ml_core.adapters.issues.issue_file import IssueFile, parse_issue, render_issue
from ml_core.domain.incidents.issue import (
    LABEL,
    IssueDraft,
    IssueRef,
    IssueState,
    IssueStatus,
    comment_marker,
    filed_comment,
    merge_labels,
)
from ml_core.errors import TrackerRefusedError, TrackerUnavailableError

_FILE_NAME = re.compile(r"(\d{4,9})\.md")


class IssueFolder:
    """The IssueTracker in `path`: issue 7 is `0007.md`, and whoever edits the file has taken part.

    Several processes may share the folder: every change is made under its lock, and lands by a rename.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        label: str = LABEL,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path, self._label, self._now = Path(path), label, now

    def __repr__(self) -> str:
        return f"IssueFolder({str(self._path)!r})"

    def open(self, draft: IssueDraft) -> IssueRef:
        """Write a new file under the next number. Not idempotent."""
        with self._locked() as lock:
            number = self._next_number(lock)
            issue = IssueFile(
                number=number,
                status=IssueStatus.OPEN,
                title=draft.filed_title,
                labels=merge_labels(self._label, draft.labels),
                assignees=draft.assignees,
                fingerprint=draft.fingerprint,
                body=draft.filed_body,
            )
            self._write(issue)
        return self._ref(number)

    def update(self, ref: IssueRef, draft: IssueDraft) -> None:
        """Make title, body and our labels the draft's. Idempotent."""
        with self._locked():
            issue = self._get(ref)
            labels = merge_labels(self._label, draft.labels, issue.labels)
            self._write(issue.revise(title=draft.filed_title, body=draft.filed_body, labels=labels))

    def comment(self, ref: IssueRef, text: str, marker: str) -> None:
        """Append a comment unless one with this marker stands. Idempotent."""
        with self._locked():
            issue = self._get(ref)
            if comment_marker(marker) not in issue.comments:
                told = f"**{self._now():%Y-%m-%d %H:%M} UTC**\n\n{filed_comment(text, marker)}"
                self._write(issue.revise(comments=f"{issue.comments}\n{told}"))

    def set_status(self, ref: IssueRef, status: IssueStatus) -> None:
        """Close or reopen; a closed issue is not closed again. Idempotent."""
        if status in (IssueStatus.MISSING, IssueStatus.ELSEWHERE):
            raise ValueError("status must be OPEN, COMPLETED or NOT_PLANNED: an issue cannot be made missing")
        with self._locked():
            issue = self._get(ref)
            if (issue.status is IssueStatus.OPEN) != (status is IssueStatus.OPEN):
                closed_at = None if status is IssueStatus.OPEN else self._now()
                self._write(issue.revise(status=status, closed_at=closed_at))

    def find(self, fingerprint: str) -> IssueRef | None:
        """Return the issue that carries the fingerprint, an open one first, then the newest."""
        found = [issue for issue in self._read_all() if issue.fingerprint == fingerprint]
        if not found:
            return None
        best = max(found, key=lambda issue: (issue.status is IssueStatus.OPEN, issue.number))
        return self._ref(best.number)

    def state(self, ref: IssueRef) -> IssueState:
        """Return where the issue stands, its labels, and whether its file was edited by somebody else."""
        if ref != self._ref(ref.number):
            return IssueState(status=IssueStatus.ELSEWHERE)
        issue = self._read(ref.number)
        if issue is None:
            return IssueState(status=IssueStatus.MISSING)
        return IssueState(
            status=issue.status,
            labels=issue.labels,
            person_took_part=issue.person_took_part,
            closed_at=issue.closed_at,
        )

    def _get(self, ref: IssueRef) -> IssueFile:
        issue = self._read(ref.number)
        if issue is None:
            raise TrackerRefusedError(f"issue #{ref.number} was deleted from {self._path}: file a new one")
        return issue

    def _read(self, number: int) -> IssueFile | None:
        with _reporting(self._path):
            try:
                text = self._file(number).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return None
        return parse_issue(text, number=number)

    def _read_all(self) -> Iterator[IssueFile]:
        for number in self._numbers():
            issue = self._read(number)
            if issue is not None:
                yield issue

    def _numbers(self) -> list[int]:
        with _reporting(self._path):
            names = [entry.name for entry in self._path.iterdir()] if self._path.exists() else []
        return sorted(int(match[1]) for name in names if (match := _FILE_NAME.fullmatch(name)))

    def _next_number(self, lock: int) -> int:
        """Return a number never used before, also where the newest file was deleted."""
        last = re.match(rb"\d{1,9}", os.pread(lock, 9, 0))
        number = max([int(last[0]) if last else 0, *self._numbers()]) + 1
        os.pwrite(lock, f"{number}\n".encode(), 0)
        return number

    def _write(self, issue: IssueFile) -> None:
        target = self._file(issue.number)
        temporary = target.with_suffix(".tmp")  # one is enough: the folder is locked
        with temporary.open("w", encoding="utf-8") as file:
            file.write(render_issue(issue))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)

    def _ref(self, number: int) -> IssueRef:
        return IssueRef(number=number, url=str(self._file(number).absolute()))

    def _file(self, number: int) -> Path:
        return self._path / f"{number:04d}.md"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the folder's lock; its file keeps the last number given out."""
        with _reporting(self._path):
            self._path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path / ".last_number", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield lock
            finally:
                os.close(lock)


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"issues cannot be kept in {path} ({exc.strerror}): check its permissions and space"
        raise TrackerUnavailableError(message) from exc
