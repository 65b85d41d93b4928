"""Findings become incidents, and what is to be said of them goes into the outbox; nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.incident import (
    TRACKER_CHECK,
    Attempt,
    Cause,
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
from ml_core.domain.incidents.issue import IssueDraft
from ml_core.domain.incidents.issue_body import (
    digest_of,
    rank_findings,
    write_issue,
    write_recovery,
    write_severity_change,
    write_title,
)
from ml_core.domain.incidents.issue_evidence import NO_COURSES, SHOWN, Courses
from ml_core.domain.incidents.redaction import redact
from ml_core.domain.policies import EscalationPolicy
from ml_core.ports.check_log import CheckLog
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.incident_ledger import IncidentLedger

COURSE_LENGTH = 14
"""Checks whose values an issue draws: two weeks of a daily one."""


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What issues tell beside the findings."""

    attempts: Sequence[Attempt]
    courses: Courses


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """One pass from open findings to incidents."""

    findings: FindingLedger
    incidents: IncidentLedger
    checks: CheckLog
    policy: EscalationPolicy
    now: datetime
    secrets: Sequence[str] = ()
    """Texts that no issue may hold."""

    def update_incidents(self) -> Counter[str]:
        """Open, refresh, recover and resolve incidents; how many of each."""
        standing = {incident.cause: incident for incident in self.incidents.list_open()}
        findings = self.findings.list_open(now=self.now)
        heard = [finding for finding in findings if not finding.muted and finding.check != TRACKER_CHECK]
        muted = {finding.incident_id for finding in findings if finding.muted}
        groups = group_findings(heard, standing.values(), digest_from=self.policy.digest_from)
        done: Counter[str] = Counter()
        known = standing | self._find_resolved(groups.keys() - standing.keys())
        shown = [finding for members in groups.values() for finding in rank_findings(members)[:SHOWN]]
        told = _Told(attempts=self._find_attempts(shown), courses=self._find_courses(shown))
        for cause, members in groups.items():
            done[self._tell(cause, known.get(cause), members, told)] += 1
        for cause in standing.keys() - groups.keys():
            incident = standing[cause]
            done[self._hush(incident) if incident.incident_id in muted else self._recover(incident)] += 1
        return done

    def _find_resolved(self, causes: Iterable[Cause]) -> dict[Cause, Incident]:
        latest = self.incidents.list_latest([fingerprint_of(*cause) for cause in causes])
        return {incident.cause: incident for incident in latest}

    def _find_courses(self, shown: Sequence[Finding]) -> Courses:
        asked = [(finding.series_id, finding.check) for finding in shown if finding.series_id is not None]
        return self.checks.list_values(asked, until=self.now, limit=COURSE_LENGTH) if asked else NO_COURSES

    def _find_attempts(self, shown: Sequence[Finding]) -> list[Attempt]:
        series_ids = {finding.series_id for finding in shown if finding.series_id is not None}
        if not series_ids:
            return []
        return self.incidents.list_attempts(sorted(series_ids), since=min(finding.opened_at for finding in shown))

    def _tell(self, cause: Cause, known: Incident | None, findings: Sequence[Finding], told: _Told) -> str:
        check, scope = cause
        severity, title = severity_of(findings), write_title(check, scope, findings)
        if known is not None and may_reopen(known, self.policy, self.now):
            current = replace(known, severity=severity, title=title, updated_at=self.now, resolved_at=None)
            if known.resolved_at is None:
                return self._refresh(known, current, findings, told)
            return self._reopen(replace(current, occurrences=known.occurrences + 1), findings, told)
        fresh = Incident(
            fingerprint=fingerprint_of(check, scope),
            check=check,
            scope=scope,
            severity=severity,
            title=title,
            opened_at=self.now,
            updated_at=self.now,
            sequence=1 if known is None else known.sequence + 1,
            previous_issue_url=None if known is None else known.issue_url or known.previous_issue_url,
        )
        # Its issue names the incident's number, which is known once it is stored; after a crash between the two
        # it stands without a digest, and the next pass tells it.
        stored = replace(fresh, incident_id=self._save(fresh, findings, (), digest=None))
        draft = self._write(stored, findings, told)
        self._save(stored, (), [_tell_draft(OutboxAction.OPEN, draft)], digest=digest_of(draft))
        return "opened"

    def _reopen(self, back: Incident, findings: Sequence[Finding], told: _Told) -> str:
        """Its fault is back; what was still to be said of the recovery is not said."""
        draft = self._write(back, findings, told)
        if back.issue_number is None:
            messages = [_tell_draft(OutboxAction.OPEN, draft)]
        else:
            messages = [Message(action=OutboxAction.REOPEN), _tell_draft(OutboxAction.UPDATE, draft)]
        stale = (OutboxAction.COMMENT, OutboxAction.CLOSE)
        self._save(back, findings, messages, withdrawn=stale, digest=digest_of(draft))
        return "reopened"

    def _refresh(self, known: Incident, current: Incident, findings: Sequence[Finding], told: _Told) -> str:
        draft = self._write(current, findings, told)
        digest = digest_of(draft)
        if digest == known.sent_digest and all(it.incident_id == known.incident_id for it in findings):
            return "unchanged"
        action = OutboxAction.OPEN if known.issue_number is None else OutboxAction.UPDATE
        messages = [_tell_draft(action, draft)]
        if current.severity is not known.severity and may_comment(known, self.policy, self.now):
            messages.append(self._comment("severity", write_severity_change(known.severity, current.severity)))
            current = replace(current, last_comment_at=self.now)
        stale = (OutboxAction.COMMENT,) if known.sent_digest is None else ()
        self._save(current, findings, messages, withdrawn=stale, digest=digest)
        return "refreshed"

    def _recover(self, incident: Incident) -> str:
        """All its findings are gone: say so, and close once enough daily checks were healthy."""
        needed = self.policy.close_after_healthy_runs
        is_over = self.incidents.count_healthy_runs(incident.incident_id) >= needed
        says_so = (
            incident.sent_digest is not None
            and incident.issue_status is not IssueStanding.LEFT_ALONE
            and may_comment(incident, self.policy, self.now)
        )
        current = replace(incident, updated_at=self.now, resolved_at=self.now if is_over else None)
        messages = []
        if says_so:
            messages.append(self._comment("recovered", write_recovery(incident.check, needed=needed)))
            current = replace(current, last_comment_at=self.now)
        if is_over:
            messages.append(Message(action=OutboxAction.CLOSE))
        if messages:
            stale = (OutboxAction.REOPEN,) if is_over else ()
            # Without a digest the next finding is told again in any case, and a recovery is said once.
            self._save(current, (), messages, withdrawn=stale, digest=None)
        return "resolved" if is_over else "recovering"

    def _hush(self, incident: Incident) -> str:
        """All that is wrong is muted, which is no recovery: nothing is said, nor what still waits."""
        if incident.sent_digest is not None:
            self._save(incident, (), (), withdrawn=tuple(OutboxAction), digest=None)
        return "muted"

    def _write(self, incident: Incident, findings: Sequence[Finding], told: _Told) -> IssueDraft:
        """The issue without secrets: these go before rendering, which changes how they are spelt."""
        return write_issue(
            incident,
            [replace(finding, message=self._clean(finding.message)) for finding in findings],
            self.policy,
            [replace(attempt, reason=self._clean(attempt.reason or "")) for attempt in told.attempts],
            told.courses,
        )

    def _clean(self, text: str) -> str:
        return redact(text, self.secrets)

    def _comment(self, what: str, text: str) -> Message:
        marker = f"{what}.{self.now:%Y%m%dT%H%M%S}"
        return Message(action=OutboxAction.COMMENT, payload={"text": text, "marker": marker})

    def _save(
        self,
        incident: Incident,
        findings: Sequence[Finding],
        messages: Sequence[Message],
        *,
        withdrawn: Sequence[OutboxAction] = (),
        digest: str | None,
    ) -> int:
        return self.incidents.save(
            replace(incident, sent_digest=digest),
            finding_ids=[
                it.finding_id for it in findings if it.incident_id is None or it.incident_id != incident.incident_id
            ],
            messages=messages,
            withdrawn=withdrawn,
            at=self.now,
        )


def _tell_draft(action: OutboxAction, draft: IssueDraft) -> Message:
    payload: Mapping[str, Any] = vars(draft)
    return Message(action=action, payload=payload)
