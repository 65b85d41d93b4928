"""The evidence in an issue: a table of findings, each with a small chart of its check's last values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.incident import FLEET
from ml_core.domain.incidents.markdown import code_span, table
from ml_core.domain.incidents.redaction import redact
from ml_core.domain.incidents.runbook import CHECKS
from ml_core.domain.incidents.sparkline import draw_sparkline

SHOWN = 20
"""Findings that one body lists; the rest are counted."""

UNFOLDED = 5
"""Of these, so many stand open; a storm's others are folded away."""

SHOWN_METRICS = 5
SHOWN_CHARACTERS = 400
"""Of one message in the table; an exception's text may be a page."""

LEAST_COURSE = 3
"""Values below which there is no course to draw."""

Courses = Mapping[tuple[int, str], Sequence[float]]
"""The last values of a check by series id and check, the oldest first."""

NO_COURSES: Courses = {}


def write_evidence(findings: Sequence[Finding], courses: Courses) -> str:
    """The table of findings: the first ones open, some more folded, the rest counted."""
    shown = findings[:SHOWN]
    columns = _list_columns(shown, courses)
    rows = list(zip(*columns.values(), strict=True))
    parts = ["**Evidence**", table(tuple(columns), rows[:UNFOLDED], code=("series",))]
    if folded := rows[UNFOLDED:]:
        more = table(tuple(columns), folded, code=("series",))
        parts.append(f"<details><summary>{len(folded)} more</summary>\n\n{more}\n\n</details>")
    if len(findings) > len(shown):
        parts.append(f"… and {len(findings) - len(shown):,} more.")
    if "course" in columns:
        parts.append("Course: the value at the last checks, the oldest first, each series on a scale of its own.")
    return "\n\n".join(parts)


def _list_columns(shown: Sequence[Finding], courses: Courses) -> dict[str, list[str]]:
    """What there is to show; of a single finding the text above the table says when and what."""
    unit = CHECKS[shown[0].check].unit if shown[0].check in CHECKS else ""
    told = f" ({unit})" if unit else ""
    columns: dict[str, list[str]] = {
        "series": [name_place(finding) for finding in shown],
        "severity": [finding.severity.value for finding in shown],
        f"value{told}": [_number(finding.value) for finding in shown],
        f"threshold{told}": [_number(finding.threshold) for finding in shown],
        "course": [_course(finding, courses) for finding in shown],
    }
    if not any(columns["course"]):
        del columns["course"]
    if len(shown) > 1:
        columns["since (UTC)"] = [f"{finding.opened_at:%Y-%m-%d %H:%M}" for finding in shown]
        columns["what"] = [shorten(finding.message) for finding in shown]
    return columns


def count_metrics(findings: Sequence[Finding]) -> str:
    """How many findings each metric has, the most first: what a storm has in common."""
    counted = Counter(redact(finding.key.metric) for finding in findings if finding.key is not None)
    told = [f"{code_span(metric)} {count:,}" for metric, count in counted.most_common(SHOWN_METRICS)]
    others = len(counted) - len(told)
    return ", ".join(told) + (f" and {others:,} other{'s' if others > 1 else ''}" if others > 0 else "")


def _course(finding: Finding, courses: Courses) -> str:
    """A chart of the check's last values, where there are enough to show a course."""
    values = courses.get((finding.series_id or 0, finding.check), ())
    return draw_sparkline(values) if len(values) >= LEAST_COURSE else ""


def name_place(finding: Finding) -> str:
    """The series of a finding as commands take it; what looks like a secret in it goes before it becomes code."""
    return FLEET if finding.key is None else redact(str(finding.key))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def shorten(text: str) -> str:
    """A message that is no longer than a table's cell should be."""
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
