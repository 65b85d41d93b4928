"""What an issue says: one sentence, since when, what to do, where to look, what was tried, evidence."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import quote

from ml_core.domain.incidents.finding import Finding, Severity
from ml_core.domain.incidents.incident import FLEET, Attempt, Incident, severity_of
from ml_core.domain.incidents.issue import IssueDraft
from ml_core.domain.incidents.issue_evidence import (
    NO_COURSES,
    SHOWN,
    UNFOLDED,
    Courses,
    count_metrics,
    name_place,
    shorten,
    write_evidence,
)
from ml_core.domain.incidents.markdown import code_block, code_span, make_inert
from ml_core.domain.incidents.runbook import CHECKS, runbook_of
from ml_core.domain.policies import EscalationPolicy

SHOWN_ATTEMPTS = 10
KEEP_OPEN_LABEL = "keep-open"


def rank_findings(findings: Sequence[Finding]) -> list[Finding]:
    """The gravest first, then the oldest."""
    return sorted(findings, key=lambda it: (it.severity is not Severity.CRITICAL, it.opened_at, it.finding_id))


def write_title(check: str, scope: str, findings: Sequence[Finding]) -> str:
    """One plain line: what is wrong, and where."""
    what = CHECKS[check].title if check in CHECKS else check.replace("_", " ").capitalize()
    keys = [finding.key for finding in findings if finding.key is not None]
    if not keys:
        return what
    if scope == FLEET:
        return f"{what}: {len(keys):,} series"
    if len(keys) == 1:
        return f"{what}: {keys[0].device} {keys[0].metric}"
    return f"{what}: {keys[0].device} ({len(keys)} metrics)"


def write_issue(
    incident: Incident,
    findings: Sequence[Finding],
    policy: EscalationPolicy,
    attempts: Sequence[Attempt] = (),
    courses: Courses = NO_COURSES,
) -> IssueDraft:
    """The whole issue, rendered from what is stored; the gravest and oldest come first."""
    ordered = rank_findings(findings)
    title = write_title(incident.check, incident.scope, ordered)
    parts = (
        _headline(title, ordered),
        _since(incident, ordered),
        _advice(incident.check, ordered),
        _links(incident, ordered, policy),
        _tried(ordered, attempts),
        write_evidence(ordered, courses),
        _handling(policy),
        _machine_block(incident, ordered),
    )
    return IssueDraft(
        title=f"[ml-health] {title}",
        body="\n\n".join(part for part in parts if part),
        labels=(f"severity:{severity_of(ordered).value}", f"check:{incident.check}"),
        assignees=choose_assignees(incident.check, ordered, policy),
        fingerprint=incident.fingerprint,
    )


def choose_assignees(check: str, findings: Sequence[Finding], policy: EscalationPolicy) -> tuple[str, ...]:
    """Whom a new issue is assigned to: by the first pattern that matches CHECK/DEVICE, else the site's own."""
    device = _only_device(findings)
    name = f"{check}/{FLEET if device is None else device}"
    for pattern, logins in policy.assignees_by_pattern.items():
        if fnmatchcase(name, pattern):
            return tuple(logins)
    return policy.assignees


def digest_of(draft: IssueDraft) -> str:
    """Changes when anything that people would see changes."""
    return hashlib.sha256("\n".join((draft.title, draft.body, *draft.labels)).encode()).hexdigest()


def write_recovery(check: str, *, needed: int) -> str:
    """The comment that says a fault is gone."""
    return (
        f"Recovered: the check `{check}` finds nothing wrong any more. This issue is closed after {needed} healthy "
        f"daily checks in a row, unless somebody took part in it or it carries the label `{KEEP_OPEN_LABEL}`."
    )


def write_severity_change(before: Severity, after: Severity) -> str:
    """The comment that says a fault has become graver or milder."""
    return f"The severity went from {before.value} to {after.value}."


def _headline(title: str, findings: Sequence[Finding]) -> str:
    if len(findings) == 1:
        # A message of nothing visible would leave four asterisks, which is a rule across the page.
        return f"**{make_inert(findings[0].message) or make_inert(title)}**"
    place, message = code_span(name_place(findings[0])), make_inert(shorten(findings[0].message))
    return f"**{make_inert(title)}.** The gravest: {place}, {message}"


def _since(incident: Incident, findings: Sequence[Finding]) -> str:
    first, last = (pick(finding.opened_at for finding in findings) for pick in (min, max))
    until = "" if last == first else f", the last at {last:%Y-%m-%d %H:%M}"
    parts = [f"Since {first:%Y-%m-%d %H:%M} UTC{until}."]
    if len(findings) > 1:
        grave = sum(finding.severity is Severity.CRITICAL for finding in findings)
        devices = len({(finding.key.tenant, finding.key.device) for finding in findings if finding.key is not None})
        counted = f"{len(findings):,} findings on {devices:,} device{'s' if devices != 1 else ''}"
        parts.append(f"{counted}: {grave:,} critical, {len(findings) - grave:,} warning.")
    if len(findings) > UNFOLDED and (metrics := count_metrics(findings)):
        parts.append(f"By metric: {metrics}.")
    if incident.occurrences > 1:
        back = incident.occurrences - 1
        parts.append(f"It has come back {'once' if back == 1 else f'{back} times'} after recovering.")
    if incident.previous_issue_url:
        parts.append(f"It was told before in {incident.previous_issue_url}")
    return " ".join(parts)


def _tried(findings: Sequence[Finding], attempts: Sequence[Attempt]) -> str:
    """What was done to models of the listed series since the finding of each."""
    listed: Mapping[int | None, Finding] = {finding.series_id: finding for finding in findings[:SHOWN]}
    lines = [
        f"- {attempt.happened_at:%Y-%m-%d %H:%M} UTC, {code_span(name_place(finding))}: "
        + make_inert(shorten(": ".join(filter(None, (attempt.event.replace("_", " "), attempt.reason)))))
        for attempt in attempts
        if (finding := listed.get(attempt.series_id)) is not None and attempt.happened_at >= finding.opened_at
    ]
    tried = "\n".join(lines[-SHOWN_ATTEMPTS:]) or "- Nothing yet."
    return f"**Tried by itself**\n\n{tried}"


def _advice(check: str, findings: Sequence[Finding]) -> str:
    """What a person does, with the command that accepts a change on purpose, for the gravest series."""
    if check not in CHECKS:
        return ""
    words, gravest = CHECKS[check], findings[0]
    told = f"**What to do**: {words.advice}"
    if words.acceptable and gravest.key is not None:
        since = f" --since {gravest.opened_at:%Y-%m-%dT%H:%M:%SZ}" if words.from_when_found else ""
        command = f'ml-health accept-drift {shlex.quote(name_place(gravest))}{since} --reason "..."'
        told += f" If {words.acceptable}, accept it: {code_span(command)}."
    return told


def _links(incident: Incident, findings: Sequence[Finding], policy: EscalationPolicy) -> str:
    links = [f"[Runbook]({runbook_of(incident.check)})"] if incident.check in CHECKS else []
    if policy.dashboard_url:
        device = _only_device(findings)
        board = "mlh-fleet" if device is None else f"mlh-device?var-device={quote(device, safe='')}"
        # As a link with words: in a bare address Markdown and GitHub would act on what stands in a device's name.
        links.append(f"[Dashboard]({policy.dashboard_url.rstrip('/')}/d/{board})")
    links.append(f"how this came to be, step by step: `ml-health explain {incident.incident_id}`")
    return f"**Where to look**: {' · '.join(links)}"


def _only_device(findings: Sequence[Finding]) -> str | None:
    """The device that all findings are about, if it is one."""
    devices = {(finding.key.tenant, finding.key.device) if finding.key else None for finding in findings}
    (first, *others) = devices
    return None if others or first is None else first[1]


def _handling(policy: EscalationPolicy) -> str:
    return (
        f"This text is kept current. Once the fault is gone, the issue is closed after "
        f"{policy.close_after_healthy_runs} healthy daily checks, unless somebody took part or the label "
        f"`{KEEP_OPEN_LABEL}` stands. Close it as *not planned* to have it left alone."
    )


def _machine_block(incident: Incident, findings: Sequence[Finding]) -> str:
    facts = {
        "incident": {"check": incident.check, "scope": incident.scope, "sequence": incident.sequence},
        "findings": [finding.finding_id for finding in findings[:SHOWN]],
        "series": [str(finding.key) for finding in findings[:SHOWN] if finding.key is not None],
        "models": sorted({str(finding.model_id) for finding in findings[:SHOWN] if finding.model_id}),
    }
    block = code_block(json.dumps(facts, indent=2, ensure_ascii=False), "json")
    return f"<details><summary>For machines</summary>\n\n{block}\n\n</details>"
