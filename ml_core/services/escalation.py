"""Findings become incidents, and what is to be said of them goes into the outbox; nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_core.domain.finding import Finding
from ml_core.domain.incident import (
    Incident,
    IssueStanding,
    Message,
    OutboxAction,
    fingerprint_of,
    group_findings,
    may_comment,
    may_reopen,
    severity_of,
)
from ml_core.domain.issue import IssueDraft
from ml_core.domain.issue_body import digest_of, write_issue, write_recovery, write_severity_change, write_title
from ml_core.domain.policies import EscalationPolicy
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.incident_ledger import IncidentLedger


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """One pass from open findings to incidents."""

    findings: FindingLedger
    incidents: IncidentLedger
    policy: EscalationPolicy
    now: datetime

    def update_incidents(self) -> Counter[str]:
        """Open, refresh, recover and resolve incidents; how many of each."""
        open_incidents = self.incidents.list_open()
        findings = self.findings.list_open(now=self.now)
        unheard = {finding.incident_id for finding in findings if finding.muted}
        heard = [finding for finding in findings if not finding.muted]
        groups = group_findings(heard, open_incidents, digest_from=self.policy.digest_from)
        done: Counter[str] = Counter()
        for (check, scope), members in groups.items():
            done[self._tell(check, scope, members)] += 1
        for incident in open_incidents:
            # A muted fault is not a recovery: nothing is said of it either way.
            if (incident.check, incident.scope) not in groups and incident.incident_id not in unheard:
                done[self._recover(incident)] += 1
        return done

    def _tell(self, check: str, scope: str, findings: Sequence[Finding]) -> str:
        fingerprint = fingerprint_of(check, scope)
        known = self.incidents.latest(fingerprint)
        if known is not None and known.resolved_at is None:
            return self._refresh(known, findings)
        fresh = Incident(
            fingerprint=fingerprint,
            check=check,
            scope=scope,
            severity=severity_of(findings),
            title=write_title(check, scope, findings),
            opened_at=self.now,
            updated_at=self.now,
        )
        if known is None:
            return self._open(fresh, findings)
        if may_reopen(known, self.policy, self.now):
            return self._reopen(known, findings)
        again = replace(fresh, sequence=known.sequence + 1, previous_issue_url=known.issue_url)
        return self._open(again, findings)

    def _open(self, incident: Incident, findings: Sequence[Finding]) -> str:
        draft = write_issue(incident, findings, self.policy)
        self._save(replace(incident, sent_digest=digest_of(draft)), findings, _draft(OutboxAction.OPEN, draft))
        return "opened"

    def _reopen(self, known: Incident, findings: Sequence[Finding]) -> str:
        back = replace(
            known,
            resolved_at=None,
            occurrences=known.occurrences + 1,
            severity=severity_of(findings),
            title=write_title(known.check, known.scope, findings),
            updated_at=self.now,
        )
        draft = write_issue(back, findings, self.policy)
        back = replace(back, sent_digest=digest_of(draft))
        if known.issue_status is IssueStanding.LEFT_ALONE:
            self._save(back, findings)
        elif known.issue_number is None:
            self._save(back, findings, _draft(OutboxAction.OPEN, draft))
        else:
            self._save(back, findings, Message(action=OutboxAction.REOPEN), _draft(OutboxAction.UPDATE, draft))
        return "reopened"

    def _refresh(self, known: Incident, findings: Sequence[Finding]) -> str:
        severity = severity_of(findings)
        current = replace(known, severity=severity, title=write_title(known.check, known.scope, findings))
        draft = write_issue(current, findings, self.policy)
        digest = digest_of(draft)
        untied = [finding for finding in findings if finding.incident_id != known.incident_id]
        if digest == known.sent_digest and not untied:
            return "unchanged"
        messages: list[Message] = []
        if known.issue_status is not IssueStanding.LEFT_ALONE:
            action = OutboxAction.OPEN if known.issue_number is None else OutboxAction.UPDATE
            messages.append(_draft(action, draft))
            if severity is not known.severity and known.issue_number and may_comment(known, self.policy, self.now):
                text = write_severity_change(known.severity.value, severity.value)
                messages.append(self._comment(f"severity-{severity.value}", text))
                current = replace(current, last_comment_at=self.now)
        self._save(replace(current, sent_digest=digest, updated_at=self.now), untied, *messages)
        return "refreshed"

    def _recover(self, incident: Incident) -> str:
        """All its findings are gone: say so, and close once enough runs were healthy."""
        needed = self.policy.close_after_healthy_runs
        healthy = self.incidents.count_healthy_runs(incident.incident_id)
        quiet = incident.issue_status is IssueStanding.LEFT_ALONE or incident.issue_number is None
        messages: list[Message] = []
        if healthy >= needed:
            if not quiet:
                text = write_recovery(incident.check, healthy, needed)
                messages.append(
                    Message(action=OutboxAction.CLOSE, payload={"text": text, "marker": self._marker("close")})
                )
            self._save(replace(incident, resolved_at=self.now, updated_at=self.now), (), *messages)
            return "resolved"
        if not quiet and incident.sent_digest is not None and may_comment(incident, self.policy, self.now):
            messages.append(self._comment("recovered", write_recovery(incident.check, healthy, needed)))
            # Without a digest the next finding refreshes the body again, and recovery is said once.
            self._save(
                replace(incident, sent_digest=None, last_comment_at=self.now, updated_at=self.now), (), *messages
            )
        return "recovering"

    def _comment(self, what: str, text: str) -> Message:
        return Message(action=OutboxAction.COMMENT, payload={"text": text, "marker": self._marker(what)})

    def _marker(self, what: str) -> str:
        return f"{what}-{self.now:%Y%m%dT%H%M%S}".replace("-", ".")

    def _save(self, incident: Incident, findings: Sequence[Finding], *messages: Message) -> None:
        self.incidents.save(
            incident,
            finding_ids=[finding.finding_id for finding in findings],
            messages=messages,
            at=self.now,
        )


def _draft(action: OutboxAction, draft: IssueDraft) -> Message:
    return Message(action=action, payload=vars(draft))
