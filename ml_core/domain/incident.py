"""Incidents: findings of one cause, and what is to be said of them to an issue tracker."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ml_core.domain.finding import Finding, Severity
from ml_core.domain.policies import EscalationPolicy

PLUGIN = "iiot-ml-health"
FLEET = "fleet"
"""Scope of an incident that tells all series of a check, or the fleet itself."""


class IssueStanding(StrEnum):
    """What has become of an incident's issue, as the ledger knows it."""

    OPEN = "open"
    CLOSED = "closed"
    LEFT_ALONE = "left_alone"


class OutboxAction(StrEnum):
    """What is to be said to the tracker."""

    OPEN = "open"
    UPDATE = "update"
    COMMENT = "comment"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One row of ml_health.incident; `incident_id` 0 until it is stored."""

    fingerprint: str
    check: str
    scope: str
    severity: Severity
    title: str
    opened_at: datetime
    updated_at: datetime
    incident_id: int = 0
    sequence: int = 1
    occurrences: int = 1
    resolved_at: datetime | None = None
    issue_number: int | None = None
    issue_url: str | None = None
    issue_status: IssueStanding | None = None
    issue_closed_at: datetime | None = None
    sent_digest: str | None = None
    last_comment_at: datetime | None = None
    previous_issue_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutboxEntry:
    """One row of ml_health.outbox."""

    entry_id: int
    incident_id: int
    action: OutboxAction
    payload: Mapping[str, Any]
    status: str
    attempts: int
    created_at: datetime
    sending_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something to put into the outbox with an incident's change."""

    action: OutboxAction
    payload: Mapping[str, Any] = field(default_factory=dict)


def fingerprint_of(check: str, scope: str) -> str:
    """What names a cause for ever: sha256 of plugin, check and scope."""
    return hashlib.sha256(f"{PLUGIN}|{check}|{scope}".encode()).hexdigest()


def scope_of(finding: Finding) -> str:
    """The device of a finding, so that thirty metrics of one device are one cause; else the fleet."""
    return FLEET if finding.key is None else f"{finding.key.tenant}/{finding.key.device}"


def group_findings(
    findings: Iterable[Finding], open_incidents: Iterable[Incident], *, digest_from: int
) -> dict[tuple[str, str], list[Finding]]:
    """Open findings by (check, scope): each stays where it is, new ones join by device or in a digest.

    From `digest_from` devices with one check on, or while a digest of that check is open, new findings are
    told together.
    """
    known = {incident.incident_id: incident for incident in open_incidents}
    digests = {incident.check for incident in known.values() if incident.scope == FLEET}
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    fresh: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        incident = known.get(finding.incident_id) if finding.incident_id is not None else None
        if incident is not None:
            groups[incident.check, incident.scope].append(finding)
        else:
            fresh[finding.check].append(finding)
    for check, own in fresh.items():
        devices = {scope_of(finding) for finding in own}
        together = check in digests or len(devices) >= digest_from
        for finding in own:
            groups[check, FLEET if together else scope_of(finding)].append(finding)
    return dict(groups)


def severity_of(findings: Sequence[Finding]) -> Severity:
    """The gravest of them."""
    grave = any(finding.severity is Severity.CRITICAL for finding in findings)
    return Severity.CRITICAL if grave else Severity.WARNING


def may_comment(incident: Incident, policy: EscalationPolicy, now: datetime) -> bool:
    """Whether the last comment on its issue is long enough ago."""
    last = incident.last_comment_at
    return last is None or now - last >= timedelta(hours=policy.comment_interval_hours)


def may_reopen(incident: Incident, policy: EscalationPolicy, now: datetime) -> bool:
    """Whether a cause that is back belongs to this closed incident, rather than to a new one."""
    closed = incident.resolved_at
    return closed is None or now - closed <= timedelta(days=policy.reopen_within_days)
