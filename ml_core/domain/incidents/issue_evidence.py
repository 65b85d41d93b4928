"""The evidence in an issue: a table of findings, each with a small chart of its check's last values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.markdown import table
from ml_core.domain.incidents.sparkline import draw_sparkline

SHOWN = 20
"""Findings that one body lists; the rest are counted."""

SHOWN_CHARACTERS = 400
"""Of one message in the table; an exception's text may be a page."""

LEAST_COURSE = 3
"""Values below which there is no course to draw."""

Courses = Mapping[tuple[int, str], Sequence[float]]
"""The last values of a check by series id and check, the oldest first."""

NO_COURSES: Courses = {}


def write_evidence(findings: Sequence[Finding], courses: Courses) -> str:
    """The table of findings, the first ones in full and the rest counted; of a single one without its words."""
    shown = findings[:SHOWN]
    columns: dict[str, list[str]] = {
        "series": [name_place(finding) for finding in shown],
        "severity": [finding.severity.value for finding in shown],
        "value": [_number(finding.value) for finding in shown],
        "threshold": [_number(finding.threshold) for finding in shown],
        "course": [_course(finding, courses) for finding in shown],
        "since (UTC)": [f"{finding.opened_at:%Y-%m-%d %H:%M}" for finding in shown],
        "what": [shorten(finding.message) for finding in shown],
    }
    charted = any(columns["course"])
    if not charted:
        del columns["course"]
    if len(findings) == 1:
        del columns["what"]  # it is the headline
    parts = [table(tuple(columns), zip(*columns.values(), strict=True))]
    if len(findings) > len(shown):
        parts.append(f"… and {len(findings) - len(shown):,} more.")
    if charted:
        parts.append("Course: the value at the last checks, the oldest first, each series on a scale of its own.")
    return "\n\n".join(parts)


def _course(finding: Finding, courses: Courses) -> str:
    """A chart of the check's last values, where there are enough to show a course."""
    values = courses.get((finding.series_id or 0, finding.check), ())
    return draw_sparkline(values) if len(values) >= LEAST_COURSE else ""


def name_place(finding: Finding) -> str:
    """The series of a finding in words."""
    return "the fleet" if finding.key is None else f"{finding.key.device} / {finding.key.metric}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def shorten(text: str) -> str:
    """A message that is no longer than a table's cell should be."""
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
