"""Why findings are one incident, what was tried, and where its issue stands."""

from __future__ import annotations

from ml_core.domain.explaining.evidence import IncidentTrail, PastMessage
from ml_core.domain.explaining.explanation import (
    Explanation,
    ExplanationStep,
    figures_of,
    in_order,
    tell_check,
    tell_event,
    tell_finding,
)
from ml_core.domain.incidents.incident import FLEET, Incident
from ml_core.domain.series import FIXED_TENANT


def explain_incident(incident: Incident, trail: IncidentTrail) -> Explanation:
    """What was found wrong, why it is one incident, what was tried, and where its issue stands."""
    steps = (
        _cause(incident, trail),
        *in_order(
            *(tell_finding(finding) for finding in trail.findings),
            *(step for event in trail.events for step in tell_event(event)),
            *(tell_check(check) for check in trail.checks),
            *(_message(message) for message in trail.messages),
        ),
        _issue(incident),
    )
    state = "open" if incident.resolved_at is None else f"resolved at {incident.resolved_at:%Y-%m-%d %H:%M}Z"
    return Explanation(
        subject=f"incident {incident.incident_id}: {incident.title}",
        answer=f"{state}, {incident.severity.value}",
        steps=tuple(steps),
    )


def _message(message: PastMessage) -> ExplanationStep:
    return ExplanationStep(
        what=f"issue: {message.action}",
        outcome=message.status,
        why=message.error or "as the findings stood then",
        at=message.finished_at or message.created_at,
    )


def _cause(incident: Incident, trail: IncidentTrail) -> ExplanationStep:
    where = "many devices, or on the fleet itself," if incident.scope == FLEET else "one device"
    shown = len(trail.findings)
    more = f", {shown} of them below" if shown < trail.finding_count else ""
    back = f"; it came back {incident.occurrences - 1} times" if incident.occurrences > 1 else ""
    return ExplanationStep(
        what="grouped",
        # A site without tenants has one that nobody sees.
        outcome=f"{incident.check} of {incident.scope.removeprefix(f'{FIXED_TENANT}/')}",
        why=f"findings of one check on {where} are one cause: {trail.finding_count}{more}{back}",
        at=incident.opened_at,
        figures=figures_of(findings=trail.finding_count, occurrences=incident.occurrences),
    )


def _issue(incident: Incident) -> ExplanationStep:
    if incident.issue_url is None:
        return ExplanationStep(what="issue", outcome="not filed", why="nothing has been sent yet, or nothing is to be")
    words = {
        "left_alone": "a person closed it as not planned or deleted it, so it is left alone",
        "closed": "it was closed after enough healthy checks, or by a person",
        "open": "it is kept current until enough daily checks were healthy",
    }
    standing = "open" if incident.issue_status is None else incident.issue_status.value
    return ExplanationStep(
        what="issue", outcome=standing.replace("_", " "), why=f"{words[standing]}: {incident.issue_url}"
    )
