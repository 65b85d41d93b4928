"""The one sender: takes the outbox in order, and never says a thing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml_core.domain.incidents.incident import Incident, IssueStanding, OutboxAction, OutboxEntry, OutboxStatus
from ml_core.domain.incidents.issue import IssueDraft, IssueRef, IssueStatus
from ml_core.domain.incidents.issue_body import KEEP_OPEN_LABEL
from ml_core.domain.policies import EscalationPolicy
from ml_core.errors import IssueTrackerError, TrackerRefusedError, TrackerUnavailableError
from ml_core.ports.incident_ledger import IncidentLedger
from ml_core.ports.issue_tracker import IssueTracker
from ml_core.ports.outbox import Outbox
from ml_core.services.runs import RunRecorder

FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=1)
"""Of the waits after faults, which double; also after a refusal, when a person must act first."""


@dataclass(kw_only=True)
class IssueSender:
    """Sends what waits, within the budgets; stops at the first fault that would meet the others too."""

    incidents: IncidentLedger
    outbox: Outbox
    tracker: IssueTracker
    policy: EscalationPolicy
    now: datetime
    done: Counter[str] = field(default_factory=Counter)
    """How many of each action were sent, and how many had to wait or were dropped."""
    refusal: str | None = None
    """Why the tracker refused something for good, if it did."""

    @property
    def has_sent(self) -> bool:
        """Whether the tracker took anything."""
        return any(self.done[action.value] for action in OutboxAction)

    def send_waiting(self, run: RunRecorder) -> None:
        """Send what waits, oldest first."""
        day_ago = self.now - timedelta(days=1)
        left_today = self.policy.max_new_per_day - self.outbox.count(since=day_ago).opened
        allowed = min(self.policy.max_new_per_run, left_today)
        refused: set[int] = set()
        for entry in self.outbox.list_waiting(now=self.now):
            run.stop_if_asked()
            if entry.incident_id in refused:  # what is listed of it may have taken the refused one's place
                continue
            incident = self.incidents.get(entry.incident_id)
            if _files_anew(entry, incident) and self.done[OutboxAction.OPEN.value] >= allowed:
                self.done["over_budget"] += 1
                continue
            attempt = _Attempt(sender=self, entry=entry, incident=incident)
            try:
                attempt.send()
            except (TrackerUnavailableError, TrackerRefusedError) as exc:
                self._put_off(entry, exc)
                if not _concerns_one(exc):
                    return
                refused.add(entry.incident_id)

    def _put_off(self, entry: OutboxEntry, exc: IssueTrackerError) -> None:
        wait, status = min(FIRST_WAIT * 2 ** min(entry.attempts, 10), LONGEST_WAIT), OutboxStatus.PENDING
        if isinstance(exc, TrackerUnavailableError):
            wait = max(wait, timedelta(seconds=exc.retry_after_s or 0.0))
            if exc.outcome_unknown:
                status, wait = OutboxStatus.SENDING, max(wait, timedelta(seconds=self.policy.settle_s))
            self.done["put_off"] += 1
        else:
            wait, status = LONGEST_WAIT, OutboxStatus.PARKED
            self.done["parked"] += 1
            self.refusal = str(exc)
        self.outbox.put_off(
            entry, status, until=self.now + wait, at=self.now, error=str(exc), holds_others=not _concerns_one(exc)
        )


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """One message and the incident that it is about."""

    sender: IssueSender
    entry: OutboxEntry
    incident: Incident

    def send(self) -> None:
        """Claim it, then say it, or drop it where it has become pointless."""
        settled_at = self.sender.now + timedelta(seconds=self.sender.policy.settle_s)
        self.sender.outbox.claim(self.entry, at=self.sender.now, settled_at=settled_at)
        if self.incident.issue_number is not None and self.incident.issue_url is not None:
            self._say(IssueRef(number=self.incident.issue_number, url=self.incident.issue_url))
        elif self.entry.action is OutboxAction.OPEN:
            self._file()
        else:
            self._drop("there is no issue to say it on")

    def _file(self) -> None:
        """File a new issue; it is looked for first where an earlier try may have worked, or the tracker was moved."""
        tracker, previous = self.sender.tracker, self.incident.previous_issue_url
        known = tracker.find(self.incident.fingerprint) if self.entry.attempts or previous else None
        if known is not None and known.url != previous:
            self._say(known)
        elif self.incident.resolved_at is not None:
            self._drop("recovered before it was told")
        else:
            self._record(tracker.open(_to_draft(self.entry)), IssueStanding.OPEN)

    def _say(self, ref: IssueRef) -> None:
        tracker = self.sender.tracker
        state = tracker.state(ref)
        if state.status is IssueStatus.ELSEWHERE:
            self._drop("its issue is in another tracker", forget_issue=True)
            return
        if state.status in (IssueStatus.NOT_PLANNED, IssueStatus.MISSING):
            self._record(ref, IssueStanding.LEFT_ALONE)  # a person decided
            return
        standing = IssueStanding.OPEN if state.status is IssueStatus.OPEN else IssueStanding.CLOSED
        match self.entry.action:
            case OutboxAction.OPEN | OutboxAction.UPDATE | OutboxAction.REOPEN:
                if self.incident.resolved_at is None:  # else it waited until what it says was over
                    tracker.set_status(ref, IssueStatus.OPEN)
                    standing = IssueStanding.OPEN
                if self.entry.payload:
                    tracker.update(ref, _to_draft(self.entry))
            case OutboxAction.COMMENT:
                tracker.comment(ref, self.entry.payload["text"], self.entry.payload["marker"])
            case OutboxAction.CLOSE:
                if not (state.person_took_part or KEEP_OPEN_LABEL in state.labels):
                    tracker.set_status(ref, IssueStatus.COMPLETED)
                    standing = IssueStanding.CLOSED
        self._record(ref, standing)

    def _record(self, ref: IssueRef, standing: IssueStanding) -> None:
        self.sender.outbox.mark_sent(self.entry, at=self.sender.now, ref=ref, standing=standing)
        self.sender.done[self.entry.action.value] += 1

    def _drop(self, reason: str, *, forget_issue: bool = False) -> None:
        self.sender.outbox.drop(self.entry, at=self.sender.now, reason=reason, forget_issue=forget_issue)
        self.sender.done["dropped"] += 1


def _concerns_one(exc: IssueTrackerError) -> bool:
    return isinstance(exc, TrackerRefusedError) and exc.content_refused


def _files_anew(entry: OutboxEntry, incident: Incident) -> bool:
    is_new = entry.action is OutboxAction.OPEN and entry.status is not OutboxStatus.SENDING
    return is_new and incident.issue_number is None and incident.resolved_at is None


def _to_draft(entry: OutboxEntry) -> IssueDraft:
    payload = dict(entry.payload)
    payload["labels"], payload["assignees"] = tuple(payload["labels"]), tuple(payload["assignees"])
    return IssueDraft(**payload)
