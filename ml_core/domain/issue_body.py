"""What an issue says: one sentence, since when, evidence, what was tried, what to do, where to look."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from ml_core.domain.finding import Finding, Severity
from ml_core.domain.incident import FLEET, Attempt, Incident, severity_of
from ml_core.domain.issue import IssueDraft
from ml_core.domain.markdown import code_block, make_inert, table
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.runbook import CHECKS, runbook_of

SHOWN = 20
"""Findings that one body lists; the rest are counted."""

SHOWN_ATTEMPTS = 10
SHOWN_CHARACTERS = 400
"""Of one message in the table; an exception's text may be a page."""

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
    incident: Incident, findings: Sequence[Finding], policy: EscalationPolicy, attempts: Sequence[Attempt] = ()
) -> IssueDraft:
    """The whole issue, rendered from what is stored; the gravest and oldest come first."""
    ordered = rank_findings(findings)
    title = write_title(incident.check, incident.scope, ordered)
    parts = (
        _headline(title, ordered),
        _since(incident, ordered),
        _evidence(ordered),
        _tried(ordered, attempts),
        _advice(incident.check),
        _links(policy),
        _handling(policy),
        _machine_block(incident, ordered),
    )
    return IssueDraft(
        title=f"[ml-health] {title}",
        body="\n\n".join(part for part in parts if part),
        labels=(f"severity:{severity_of(ordered).value}", f"check:{incident.check}"),
        assignees=policy.assignees,
        fingerprint=incident.fingerprint,
    )


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
        return f"**{make_inert(findings[0].message)}**"
    return f"**{make_inert(title)}.** The gravest: {make_inert(_shorten(findings[0].message))}"


def _since(incident: Incident, findings: Sequence[Finding]) -> str:
    parts = [f"Since {min(finding.opened_at for finding in findings):%Y-%m-%d %H:%M} UTC."]
    if len(findings) > 1:
        grave = sum(finding.severity is Severity.CRITICAL for finding in findings)
        devices = len({(finding.key.tenant, finding.key.device) for finding in findings if finding.key is not None})
        counted = f"{len(findings):,} findings on {devices:,} device{'s' if devices != 1 else ''}"
        parts.append(f"{counted}: {grave:,} critical, {len(findings) - grave:,} warning.")
    if incident.occurrences > 1:
        back = incident.occurrences - 1
        parts.append(f"It has come back {'once' if back == 1 else f'{back} times'} after recovering.")
    if incident.previous_issue_url:
        parts.append(f"It was told before in {incident.previous_issue_url}")
    return " ".join(parts)


def _evidence(findings: Sequence[Finding]) -> str:
    rows = [
        (
            _place(finding),
            finding.severity.value,
            _number(finding.value),
            _number(finding.threshold),
            f"{finding.opened_at:%Y-%m-%d %H:%M}",
            _shorten(finding.message),
        )
        for finding in findings[:SHOWN]
    ]
    more = len(findings) - len(rows)
    listed = table(("series", "severity", "value", "threshold", "since (UTC)", "what"), rows)
    return listed + (f"\n\n… and {more:,} more." if more else "")


def _place(finding: Finding) -> str:
    return "the fleet" if finding.key is None else f"{finding.key.device} / {finding.key.metric}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _tried(findings: Sequence[Finding], attempts: Sequence[Attempt]) -> str:
    """What was done to models of the listed series since the finding of each."""
    listed: Mapping[int | None, Finding] = {finding.series_id: finding for finding in findings[:SHOWN]}
    lines = [
        f"- {attempt.happened_at:%Y-%m-%d %H:%M} UTC, {make_inert(_place(finding))}: "
        + make_inert(_shorten(": ".join(filter(None, (attempt.event.replace("_", " "), attempt.reason)))))
        for attempt in attempts
        if (finding := listed.get(attempt.series_id)) is not None and attempt.happened_at >= finding.opened_at
    ]
    tried = "\n".join(lines[-SHOWN_ATTEMPTS:]) or "- Nothing yet."
    return f"**Tried by itself**\n\n{tried}"


def _advice(check: str) -> str:
    if check not in CHECKS:
        return ""
    return f"**What to do**: {CHECKS[check].advice} [Runbook]({runbook_of(check)})"


def _links(policy: EscalationPolicy) -> str:
    return f"**Dashboard**: {policy.dashboard_url.rstrip('/')}/d/mlh-fleet" if policy.dashboard_url else ""


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
