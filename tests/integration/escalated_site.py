"""A site whose findings become issues: real database, and a tracker made anew for every run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from ml_core.adapters.issues.github_issues import GitHubIssues
from ml_core.adapters.issues.issue_folder import IssueFolder
from ml_core.adapters.ledgers.check_log import PostgresCheckLog
from ml_core.adapters.ledgers.finding_ledger import PostgresFindingLedger
from ml_core.adapters.ledgers.incident_ledger import PostgresIncidentLedger
from ml_core.adapters.ledgers.outbox import PostgresOutbox
from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.incidents.issue import IssueStatus
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.series import SeriesKey
from ml_core.domain.series_record import SeriesExtent
from ml_core.domain.task import Outcome
from ml_core.ports.issue_tracker import IssueTracker
from ml_core.services.escalation import Escalation
from ml_core.services.issue_sender import IssueSender
from ml_core.services.runs import RunRecorder
from tests.contract.github_server import GitHubServer

START = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class SeenIssue:
    """An issue as a reader sees it."""

    title: str
    body: str
    status: IssueStatus
    labels: frozenset[str]
    comments: tuple[str, ...]


class Page(Protocol):
    """Where people read issues and act on them."""

    def make_tracker(self) -> IssueTracker:
        """The tracker as a new process would make it."""
        ...

    def read(self) -> list[SeenIssue]:
        """All issues by number."""
        ...

    def say(self, number: int, text: str) -> None:
        """Let a person comment."""
        ...

    def close_as(self, number: int, reason: str) -> None:
        """Let a person close it."""
        ...

    def add_label(self, number: int, name: str) -> None:
        """Let a person add a label."""
        ...


@dataclass(frozen=True)
class GitHubPage:
    """The local GitHub."""

    server: GitHubServer

    def make_tracker(self) -> GitHubIssues:
        """An adapter without pauses between writes."""
        url, token = self.server.url, self.server.token
        return GitHubIssues("acme/plant", token, base_url=url, write_gap_s=0.0, timeout_s=1, read_retries=0)

    def read(self) -> list[SeenIssue]:
        """All issues by number."""
        state = self.server.state
        return [
            SeenIssue(
                title=issue["title"],
                body=issue["body"],
                status=IssueStatus.OPEN if issue["state"] == "open" else IssueStatus(issue["state_reason"]),
                labels=frozenset(label["name"] for label in issue["labels"]),
                comments=tuple(comment["body"] for comment in state.comments[number]),
            )
            for number, issue in sorted(state.issues.items())
        ]

    def say(self, number: int, text: str) -> None:
        """Let a person comment."""
        self.server.state.act_as("ann", number, comment=text)

    def close_as(self, number: int, reason: str) -> None:
        """Let a person close it."""
        self.server.state.act_as("ann", number, state="closed", state_reason=reason)

    def add_label(self, number: int, name: str) -> None:
        """Let our own account add a label, so that only the label counts."""
        labels = [label["name"] for label in self.server.state.issues[number]["labels"]]
        self.server.state.act_as(self.server.state.own_login, number, labels=[*labels, name])


@dataclass(frozen=True)
class FolderPage:
    """A folder of Markdown files."""

    path: Path

    def make_tracker(self) -> IssueFolder:
        """The folder's tracker."""
        return IssueFolder(self.path)

    def read(self) -> list[SeenIssue]:
        """All issues by number."""
        tracker, seen = self.make_tracker(), []
        for file in sorted(self.path.glob("*.md")):
            text = file.read_text()
            body, _, comments = text.partition("<!-- ml-health:comments -->")
            state = tracker.state(tracker._ref(int(file.stem)))
            title = re.search(r'^title: "(.*)"$', text, re.MULTILINE)

            assert title
            seen.append(
                SeenIssue(
                    title=title[1],
                    body=body.partition("\n---\n")[2],
                    status=state.status,
                    labels=frozenset(state.labels),
                    comments=tuple(re.findall(r" UTC\*\*\n\n(.+?)\n\n<!-- ml-health:comment=", comments, re.DOTALL)),
                )
            )
        return seen

    def say(self, number: int, text: str) -> None:
        """Let a person write into the file."""
        with (self.path / f"{number:04d}.md").open("a") as file:
            file.write(f"\n{text}\n")

    def close_as(self, number: int, reason: str) -> None:
        """Let a person change its state."""
        self._edit(number, 'state: "open"\nstate_reason: null', f"state: closed\nstate_reason: {reason}")

    def add_label(self, number: int, name: str) -> None:
        """Let a person add a label."""
        self._edit(number, 'labels: ["ml-health"', f'labels: ["{name}", "ml-health"')

    def _edit(self, number: int, old: str, new: str) -> None:
        file = self.path / f"{number:04d}.md"
        text = file.read_text()

        assert old in text
        file.write_text(text.replace(old, new))


@dataclass
class Site:
    """Findings, their incidents and issues, on a clock that only the test moves."""

    database: Database
    page: Page
    policy: EscalationPolicy = field(default_factory=EscalationPolicy)
    now: datetime = START
    secrets: tuple[str, ...] = ()
    should_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.findings = PostgresFindingLedger(self.database)
        self.incidents = PostgresIncidentLedger(self.database)
        self.outbox = PostgresOutbox(self.database)
        self.checks = PostgresCheckLog(self.database)
        self.runs = PostgresRunLedger(self.database)
        self.series = PostgresSeriesRegistry(self.database)
        self._ids: dict[SeriesKey, int] = {}

    def pass_time(self, **span: float) -> None:
        """Move the clock."""
        self.now += timedelta(**span)

    def register(self, keys: Sequence[SeriesKey]) -> list[int]:
        """Make series known, and give their ids."""
        if new := [key for key in keys if key not in self._ids]:
            extents = [SeriesExtent(key=key, first_at=START, newest_at=START, readings=1) for key in new]
            self.series.register(extents, at=self.now)
            self._ids = {record.key: record.series_id for record in self.series.list_series()}
        return [self._ids[key] for key in keys]

    def find_wrong(
        self,
        *names: str,
        check: str = "age",
        severity: Severity | None = Severity.WARNING,
        message: str = "the model is 9 days old",
        value: float = 9.0,
    ) -> None:
        """Let a check find series DEVICE:METRIC (or DEVICE:flow) wrong, with severity None: fine."""
        keys = [SeriesKey(device=device, metric=metric or "flow") for device, _, metric in map(_split, names)]
        self.findings.observe(
            [
                Observation(check=check, series_id=id_, severity=severity, message=message, value=value, threshold=7.0)
                for id_ in self.register(keys)
            ],
            at=self.now,
        )

    def find_fine(self, *names: str, check: str = "age") -> None:
        """Let a check find series fine again."""
        self.find_wrong(*names, check=check, severity=None, message="fine")

    def check_daily(self) -> None:
        """Record that the daily check of the fleet ran now."""
        run = self.runs.begin("ml_health_check", self.now, at=self.now, max_attempts=1, params={})

        assert run
        self.runs.finish(run, Outcome.SUCCEEDED, at=self.now, reason=None, counts={}, duration_ms=1.0)

    def update(self) -> Counter[str]:
        """Turn findings into incidents."""
        return Escalation(
            findings=self.findings,
            incidents=self.incidents,
            checks=self.checks,
            policy=self.policy,
            now=self.now,
            secrets=self.secrets,
        ).update_incidents()

    def send(self) -> IssueSender:
        """Send what waits, as a process of its own would."""
        tracker = self.page.make_tracker()
        sender = IssueSender(
            incidents=self.incidents, outbox=self.outbox, tracker=tracker, policy=self.policy, now=self.now
        )
        try:
            sender.send_waiting(
                RunRecorder(
                    ledger=self.runs,
                    run=None,
                    now=self.now,
                    should_stop=self.should_stop,
                    progress=lambda what, done, total: None,
                )
            )
        finally:
            if isinstance(tracker, GitHubIssues):
                tracker.close()
        return sender

    def escalate(self) -> Counter[str]:
        """Both, as the task does."""
        return self.update() + self.send().done

    def read(self) -> list[SeenIssue]:
        """All issues."""
        return self.page.read()

    def waiting(self) -> list[str]:
        """Statuses of messages that were not said yet."""
        with self.database.transaction() as cur:
            cur.execute("SELECT status FROM ml_health.outbox WHERE status NOT IN ('sent', 'dropped') ORDER BY id")
            return [status for (status,) in cur.fetchall()]

    def with_policy(self, **changes: object) -> None:
        """Change the policy."""
        self.policy = replace(self.policy, **changes)  # type: ignore[arg-type]


def _split(name: str) -> tuple[str, str, str]:
    return name.partition(":")
