"""Findings become incidents, and incidents issues on GitHub or in a folder."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.incidents.incident import TRACKER_CHECK
from ml_core.domain.task import TaskReport
from ml_core.services.escalation import Escalation
from ml_core.services.issue_sender import IssueSender


def run(context: TaskContext) -> TaskReport:
    """Update incidents from findings, then send what waits in the outbox."""
    platform, settings = context.platform, context.settings
    policy = settings.escalation
    if policy.by != "plugin":
        return TaskReport(skipped_reason=f"escalation.by is {policy.by!r}: this plugin files nothing")
    if context.dry_run:
        return _tell_findings(context)
    escalation = Escalation(
        findings=platform.findings,
        incidents=platform.incidents,
        checks=platform.checks,
        policy=policy,
        now=context.now,
        secrets=settings.secrets,
    )
    updated = escalation.update_incidents()
    sender = IssueSender(
        incidents=platform.incidents,
        outbox=platform.outbox,
        tracker=platform.issue_tracker(now=context.now),
        policy=policy,
        now=context.now,
    )
    sender.send_waiting(context.run)
    _observe_tracker(context, sender)
    counts = {f"incidents_{name}": count for name, count in updated.items()}
    return TaskReport(counts=counts | {f"messages_{name}": count for name, count in sender.done.items()})


def _tell_findings(context: TaskContext) -> TaskReport:
    findings = [finding for finding in context.platform.findings.list_open(now=context.now) if not finding.muted]
    return TaskReport(
        counts={"open_findings": len(findings), "open_incidents": len(context.platform.incidents.list_open())},
        findings=[finding.to_json() for finding in findings],
    )


def _observe_tracker(context: TaskContext, sender: IssueSender) -> None:
    """What the tracker refuses cannot be told through it: a finding shows it in Grafana and to a host."""
    if sender.refusal is None and not (
        sender.has_sent and context.platform.outbox.count(since=context.now).parked == 0
    ):
        return
    tracker = Observation(
        check=TRACKER_CHECK,
        series_id=None,
        severity=None if sender.refusal is None else Severity.CRITICAL,
        message=sender.refusal or "issues are filed",
    )
    context.platform.findings.observe([tracker], at=context.now)
