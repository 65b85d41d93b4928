"""Incidents: findings of one cause, and what is to be said of them to an issue tracker."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.policies import EscalationPolicy

PLUGIN = "iiot-ml-health"
FLEET = "fleet"
"""Scope of an incident that tells all series of a check, or the fleet itself."""

TRACKER_CHECK = "issue_tracker"
"""Its finding says that issues cannot be filed, so it never becomes one: dashboards and hosts tell it."""

Cause = tuple[str, str]
"""Check and scope."""


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


class OutboxStatus(StrEnum):
    """Where a message stands; the first three wait."""

    PENDING = "pending"
    SENDING = "sending"
    """A call was begun; what became of it is not known yet."""
    PARKED = "parked"
    """The tracker refused it: a person must act, and it is seldom tried again."""
    SENT = "sent"
    DROPPED = "dropped"
    """It had become pointless."""


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
    """Of what was last put into the outbox as title, body and labels; None while it recovers or is muted."""
    last_comment_at: datetime | None = None
    previous_issue_url: str | None = None

    @property
    def cause(self) -> Cause:
        """Check and scope."""
        return self.check, self.scope


@dataclass(frozen=True, kw_only=True)
class OutboxEntry:
    """One row of ml_health.outbox."""

    entry_id: int
    incident_id: int
    action: OutboxAction
    payload: Mapping[str, Any]
    status: OutboxStatus
    attempts: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something to put into the outbox with an incident's change."""

    action: OutboxAction
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Something the plugin did to a model of a series by itself."""

    series_id: int
    happened_at: datetime
    event: str
    reason: str | None = None


def fingerprint_of(check: str, scope: str) -> str:
    """What names a cause for ever: sha256 of plugin, check and scope."""
    return hashlib.sha256(f"{PLUGIN}|{check}|{scope}".encode()).hexdigest()


def scope_of(finding: Finding) -> str:
    """The device of a finding, so that thirty metrics of one device are one cause; else the fleet."""
    return FLEET if finding.key is None else f"{finding.key.tenant}/{finding.key.device}"


def group_findings(
    findings: Iterable[Finding], open_incidents: Iterable[Incident], *, digest_from: int
) -> dict[Cause, list[Finding]]:
    """Open findings by (check, scope): each stays where it is, a new one joins its device's incident or a digest.

    A device without an incident goes into the digest of the check where one is open, or where at least
    `digest_from` devices have that check's fault, those with an incident of their own counted.
    """
    causes = {incident.incident_id: incident.cause for incident in open_incidents}
    told = set(causes.values())
    groups: dict[Cause, list[Finding]] = defaultdict(list)
    fresh: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        own = causes.get(finding.incident_id or 0, (finding.check, scope_of(finding)))
        if own in told:
            groups[own].append(finding)
        else:
            fresh[finding.check].append(finding)
    for check, untold in fresh.items():
        devices = {scope_of(finding) for finding in untold} | {scope for name, scope in told if name == check}
        together = (check, FLEET) in told or len(devices) >= digest_from
        for finding in untold:
            groups[check, FLEET if together else scope_of(finding)].append(finding)
    return dict(groups)


def severity_of(findings: Sequence[Finding]) -> Severity:
    """The gravest of them."""
    grave = any(finding.severity is Severity.CRITICAL for finding in findings)
    return Severity.CRITICAL if grave else Severity.WARNING


def may_comment(incident: Incident, policy: EscalationPolicy, now: datetime) -> bool:
    """Whether there is an issue, and the last comment on it is long enough ago."""
    if incident.issue_number is None:
        return False
    last = incident.last_comment_at
    return last is None or now - last >= timedelta(hours=policy.comment_interval_hours)


def may_reopen(incident: Incident, policy: EscalationPolicy, now: datetime) -> bool:
    """Whether a cause that is back belongs to this resolved incident, rather than to a new one.

    It does while its issue stands open, when people closed it as not planned, and soon after its end.
    """
    if incident.issue_status in (IssueStanding.OPEN, IssueStanding.LEFT_ALONE):
        return True
    resolved = incident.resolved_at
    return resolved is None or now - resolved < timedelta(days=policy.reopen_within_days)
