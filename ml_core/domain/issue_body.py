"""What an issue says: one sentence, since when, evidence, what was tried, what to do, where to look."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from ml_core.domain.finding import Finding
from ml_core.domain.incident import FLEET, Incident, severity_of
from ml_core.domain.issue import IssueDraft
from ml_core.domain.markdown import code_block, make_inert, table
from ml_core.domain.policies import EscalationPolicy
from ml_core.domain.runbook import CHECKS, runbook_of

SHOWN = 20
"""Findings that one body lists; the rest are counted."""


def write_title(check: str, scope: str, findings: Sequence[Finding]) -> str:
    """One plain line: what is wrong, and where."""
    what = CHECKS[check].title if check in CHECKS else check.replace("_", " ")
    series = [finding.key for finding in findings if finding.key is not None]
    if scope == FLEET:
        return f"{what}: {len(series)} series" if series else what
    device = series[0].device
    if len(series) == 1:
        return f"{what}: {device} {series[0].metric}"
    return f"{what}: {device} ({len(series)} metrics)"


def write_issue(incident: Incident, findings: Sequence[Finding], policy: EscalationPolicy) -> IssueDraft:
    """The whole issue, rendered from stored findings only; the gravest and oldest come first."""
    ordered = sorted(findings, key=lambda finding: (finding.severity.value, finding.opened_at, finding.finding_id))
    body = "\n\n".join(
        part
        for part in (
            f"**{make_inert(ordered[0].message)}**",
            _since(incident, ordered),
            _evidence(ordered),
            _tried(ordered),
            _advice(incident.check),
            _links(incident, policy),
            _machine_block(incident, ordered),
        )
        if part
    )
    return IssueDraft(
        title=f"[ml-health] {write_title(incident.check, incident.scope, ordered)}",
        body=body,
        labels=(f"severity:{severity_of(ordered).value}", f"check:{incident.check}"),
        assignees=policy.assignees,
        fingerprint=incident.fingerprint,
    )


def digest_of(draft: IssueDraft) -> str:
    """Changes when anything that people would see changes."""
    return hashlib.sha256("\n".join((draft.title, draft.body, *draft.labels)).encode()).hexdigest()


def write_recovery(check: str, healthy_runs: int, needed: int) -> str:
    """The comment that says a fault is gone."""
    wait = f" This issue is closed after {needed} healthy runs in a row." if healthy_runs < needed else ""
    return f"Recovered: the check `{check}` finds nothing wrong any more.{wait}"


def write_severity_change(before: str, after: str) -> str:
    """The comment that says a fault has become graver or milder."""
    return f"The severity went from {before} to {after}."


def _since(incident: Incident, findings: Sequence[Finding]) -> str:
    since = min(finding.opened_at for finding in findings)
    text = f"Since {since:%Y-%m-%d %H:%M} UTC, {len(findings)} finding(s)."
    if incident.occurrences > 1:
        text += f" It is back for the {incident.occurrences - 1}. time."
    if incident.previous_issue_url:
        text += f" It was told before in {incident.previous_issue_url}."
    return text


def _evidence(findings: Sequence[Finding]) -> str:
    rows = [
        (
            "the fleet" if finding.key is None else f"{finding.key.device} / {finding.key.metric}",
            finding.severity.value,
            _number(finding.value),
            _number(finding.threshold),
            f"{finding.opened_at:%Y-%m-%d %H:%M}",
            finding.message,
        )
        for finding in findings[:SHOWN]
    ]
    more = len(findings) - len(rows)
    listed = table(("series", "severity", "value", "threshold", "since (UTC)", "what"), rows)
    return listed + (f"\n\n… and {more} more." if more > 0 else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _tried(findings: Sequence[Finding]) -> str:
    tried = {str(finding.evidence["tried"]) for finding in findings if finding.evidence.get("tried")}
    if not tried:
        return ""
    return "**Tried automatically**\n" + "\n".join(f"- {make_inert(text)}" for text in sorted(tried)[:SHOWN])


def _advice(check: str) -> str:
    if check not in CHECKS:
        return ""
    return f"**What to do**: {CHECKS[check].advice} Runbook: {runbook_of(check)}"


def _links(incident: Incident, policy: EscalationPolicy) -> str:
    if not policy.dashboard_url:
        return ""
    return f"Dashboard: {policy.dashboard_url.rstrip('/')}/d/mlh-fleet"


def _machine_block(incident: Incident, findings: Sequence[Finding]) -> str:
    facts = {
        "check": incident.check,
        "scope": incident.scope,
        "findings": [finding.finding_id for finding in findings[:SHOWN]],
        "models": sorted({str(finding.model_id) for finding in findings[:SHOWN] if finding.model_id}),
    }
    return (
        f"<details><summary>For machines</summary>\n\n{code_block(json.dumps(facts, indent=2), 'json')}\n\n</details>"
    )
