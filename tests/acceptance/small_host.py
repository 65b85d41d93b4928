"""A small orchestrator that behaves as the existing one: SQLite, one task a hash for ever, fix or escalate."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Scanner:
    """The host's own checks."""

    findings: list[dict[str, Any]] = field(default_factory=list)

    def scan_all(self) -> list[dict[str, Any]]:
        """What the host itself finds."""
        return list(self.findings)


@dataclass
class RetryingFixer:
    """The host's fixer of today: it restarts the unit that `service` names."""

    restarted: list[str] = field(default_factory=list)

    def attempt_fix_with_retry(self, issue: dict[str, Any], task_id: int) -> dict[str, Any]:
        """Restart a unit; always works."""
        self.restarted.append(issue["service"])
        return {
            "success": True,
            "total_attempts": 1,
            "final_message": "restarted",
            "total_time": 0.1,
            "successful_strategy": "restart",
            "all_attempts": [],
        }


@dataclass
class OldFixer:
    """The host's fixer of yesterday."""

    restarted: list[str] = field(default_factory=list)

    def attempt_fix(self, issue: dict[str, Any]) -> tuple[bool, str]:
        """Restart a unit; always works."""
        self.restarted.append(issue["service"])
        return True, "restarted"


class SmallHost:
    """One cycle an invocation: scan, then a task for each finding that is not known."""

    def __init__(self, path: str, scanner: Scanner, fixer: RetryingFixer | OldFixer) -> None:
        self.scanner, self.fixer = scanner, fixer
        self.escalated: list[dict[str, Any]] = []
        self._tasks = sqlite3.connect(path)
        self._tasks.execute(
            "CREATE TABLE tasks (id INTEGER PRIMARY KEY, issue_hash TEXT UNIQUE, status TEXT, message TEXT)"
        )

    def close(self) -> None:
        """Close the file."""
        self._tasks.close()

    def run_cycle(self) -> int:
        """Look at everything once; how many findings there were."""
        findings = self.scanner.scan_all()
        for finding in findings:
            self.process_issue(finding)
        return len(findings)

    def process_issue(self, issue: dict[str, Any]) -> None:
        """Make a task of it, let the fixer try, close or escalate."""
        name = issue.get("service") or issue.get("container") or "unknown"
        issue_hash = f"{issue['type']}:{issue['source']}:{name}"
        try:
            cursor = self._tasks.execute("INSERT INTO tasks (issue_hash, status) VALUES (?, 'open')", (issue_hash,))
        except sqlite3.IntegrityError:
            return  # known, closed ones too
        success, message = self._fix(issue, cursor.lastrowid or 0)
        if not success:
            self.escalated.append(issue)
        status = "closed" if success else "escalated"
        self._tasks.execute(
            "UPDATE tasks SET status = ?, message = ? WHERE id = ?", (status, message, cursor.lastrowid)
        )

    def statuses(self) -> Counter[str]:
        """How many tasks stand where."""
        return Counter(status for (status,) in self._tasks.execute("SELECT status FROM tasks"))

    def messages(self) -> list[str]:
        """What the fixer answered, in order."""
        return [message for (message,) in self._tasks.execute("SELECT message FROM tasks ORDER BY id")]

    def _fix(self, issue: dict[str, Any], task_id: int) -> tuple[bool, str]:
        if isinstance(self.fixer, OldFixer):
            return self.fixer.attempt_fix(issue)
        answer = self.fixer.attempt_fix_with_retry(issue, task_id)
        return answer["success"], answer["final_message"]
