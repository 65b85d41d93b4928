"""Findings become incidents, and incidents issues on GitHub or in a folder."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.finding import Observation, Severity
from ml_core.domain.task import TaskReport
from ml_core.services.escalation import Escalation
from ml_core.services.issue_sender import IssueSender


def run(context: TaskContext) -> TaskReport:
    """Update incidents from findings, then send what waits in the outbox."""
    platform, policy = context.platform, context.settings.escalation
    if policy.by != "plugin":
        return TaskReport(skipped_reason=f"escalation.by is {policy.by!r}: this plugin files nothing")
    if context.dry_run:
        findings = [finding for finding in platform.findings.list_open(now=context.now) if not finding.muted]
        return TaskReport(
            counts={"open_findings": len(findings), "open_incidents": len(platform.incidents.list_open())},
            findings=[finding.to_json() for finding in findings],
        )
    done = Escalation(
        findings=platform.findings, incidents=platform.incidents, policy=policy, now=context.now
    ).update_incidents()
    sender = IssueSender(
        incidents=platform.incidents,
        outbox=platform.outbox,
        tracker=platform.issue_tracker,
        policy=policy,
        now=context.now,
    )
    sent = sender.send_waiting(context.run)
    refused = Observation(
        check="issue_tracker",
        series_id=None,
        severity=Severity.CRITICAL if sender.refused else None,
        message=sender.refused or "issues can be filed",
    )
    if sender.refused or sent.total():
        platform.findings.observe([refused], at=context.now)
    counts = {f"incidents_{name}": count for name, count in done.items()}
    counts |= {f"messages_{name}": count for name, count in sent.items()}
    return TaskReport(counts=counts)
