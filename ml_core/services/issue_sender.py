"""The one sender: takes the outbox in order, and never says a thing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml_core.domain.incident import Incident, IssueStanding, OutboxAction, OutboxEntry
from ml_core.domain.issue import IssueDraft, IssueRef, IssueStatus
from ml_core.domain.policies import EscalationPolicy
from ml_core.errors import TrackerRefusedError, TrackerUnavailableError
from ml_core.ports.incident_ledger import IncidentLedger, Outbox
from ml_core.ports.issue_tracker import IssueTracker
from ml_core.services.runs import RunRecorder

KEEP_OPEN_LABEL = "keep-open"
FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=4)


@dataclass(kw_only=True)
class IssueSender:
    """Sends what waits, within the budgets; stops at the first sign that the tracker wants a pause."""

    incidents: IncidentLedger
    outbox: Outbox
    tracker: IssueTracker
    policy: EscalationPolicy
    now: datetime
    sent: Counter[str] = field(default_factory=Counter)
    refused: str | None = None
    """Why the tracker refused something for good, if it did."""

    def send_waiting(self, run: RunRecorder) -> Counter[str]:
        """Send entries oldest first; how many of each action were sent, put off or parked."""
        blocked: set[int] = set()
        allowed = min(
            self.policy.max_new_per_run,
            self.policy.max_new_per_day - self.outbox.count_opened(since=self.now - timedelta(days=1)),
        )
        for entry in self.outbox.list_waiting(now=self.now):
            run.stop_if_asked()
            if entry.incident_id in blocked:
                continue
            if entry.action is OutboxAction.OPEN and self.sent["open"] >= allowed:
                blocked.add(entry.incident_id)
                self.sent["over_budget"] += 1
                continue
            try:
                if not self._handle(entry):
                    blocked.add(entry.incident_id)
                    continue
            except TrackerUnavailableError as exc:
                self._put_off(entry, exc)
                break
            except TrackerRefusedError as exc:
                self.outbox.end(entry.entry_id, "parked", at=self.now, error=str(exc))
                self.sent["parked"] += 1
                self.refused = str(exc)
                blocked.add(entry.incident_id)
        return self.sent

    def _handle(self, entry: OutboxEntry) -> bool:
        """Send one entry; False where it has to wait."""
        incident = self.incidents.get(entry.incident_id)
        if entry.status == "sending":
            if not self._is_settled(entry):
                return False
            found = self.tracker.find(incident.fingerprint) if entry.action is OutboxAction.OPEN else None
            if found is not None:
                self._record(entry, found, IssueStanding.OPEN)
                return True
        if entry.action is OutboxAction.OPEN and incident.resolved_at is not None:
            self.outbox.end(entry.entry_id, "dropped", at=self.now, error="recovered before it was told")
            return True
        self.outbox.mark_sending(entry.entry_id, at=self.now)
        if entry.action is OutboxAction.OPEN:
            self._record(entry, self.tracker.open(_to_draft(entry)), IssueStanding.OPEN)
            return True
        ref = _ref_of(incident)
        if ref is None:
            self.outbox.end(entry.entry_id, "dropped", at=self.now, error="there is no issue to say it on")
            return True
        self._say(entry, ref)
        return True

    def _say(self, entry: OutboxEntry, ref: IssueRef) -> None:
        state = self.tracker.state(ref)
        if state.status in (IssueStatus.NOT_PLANNED, IssueStatus.MISSING):
            # A person decided; the ledger remembers and stays quiet.
            self._record(entry, ref, IssueStanding.LEFT_ALONE)
            return
        standing = IssueStanding.OPEN if state.status is IssueStatus.OPEN else IssueStanding.CLOSED
        match entry.action:
            case OutboxAction.UPDATE:
                if state.status is IssueStatus.COMPLETED:
                    self.tracker.set_status(ref, IssueStatus.OPEN)
                    standing = IssueStanding.OPEN
                self.tracker.update(ref, _to_draft(entry))
            case OutboxAction.REOPEN:
                self.tracker.set_status(ref, IssueStatus.OPEN)
                standing = IssueStanding.OPEN
            case OutboxAction.COMMENT | OutboxAction.CLOSE:
                self.tracker.comment(ref, entry.payload["text"], entry.payload["marker"])
                held = state.person_took_part or KEEP_OPEN_LABEL in state.labels
                if entry.action is OutboxAction.CLOSE and not held:
                    self.tracker.set_status(ref, IssueStatus.COMPLETED)
                    standing = IssueStanding.CLOSED
        self._record(entry, ref, standing)

    def _record(self, entry: OutboxEntry, ref: IssueRef, standing: IssueStanding) -> None:
        self.outbox.mark_sent(entry, at=self.now, ref=ref, standing=standing)
        self.sent[entry.action.value] += 1

    def _is_settled(self, entry: OutboxEntry) -> bool:
        begun = entry.sending_at or entry.created_at
        return self.now - begun >= timedelta(seconds=self.policy.settle_s)

    def _put_off(self, entry: OutboxEntry, exc: TrackerUnavailableError) -> None:
        self.sent["put_off"] += 1
        if exc.outcome_unknown:
            return  # stays `sending`: after the settle window it is looked for before it is said again
        wait = min(FIRST_WAIT * 2**entry.attempts, LONGEST_WAIT)
        if exc.retry_after_s is not None:
            wait = max(wait, timedelta(seconds=exc.retry_after_s))
        self.outbox.put_off(entry.entry_id, until=self.now + wait, error=str(exc))


def _to_draft(entry: OutboxEntry) -> IssueDraft:
    payload = dict(entry.payload)
    payload["labels"], payload["assignees"] = tuple(payload["labels"]), tuple(payload["assignees"])
    return IssueDraft(**payload)


def _ref_of(incident: Incident) -> IssueRef | None:
    if incident.issue_number is None or incident.issue_url is None:
        return None
    return IssueRef(number=incident.issue_number, url=incident.issue_url)
