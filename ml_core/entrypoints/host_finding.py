"""Findings in the form in which the host's scanner gives them: plain dicts with naive UTC times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_core.domain.incidents.finding import Finding
from ml_core.entrypoints.remedy import REMEDIES, is_fixable

SOURCE = "ml-health"
PREFIX = "ml-health:"
"""Of every `service`: never the name of a systemd unit or a container, so that no fixer restarts it."""


def to_host(finding: Finding, *, escalated_by: str) -> dict[str, Any]:
    """A stored finding; one that comes back after its end is a new one, and so a new `service`."""
    return {
        "type": f"ml_{finding.check}",
        "source": SOURCE,
        "message": finding.message,
        "timestamp": _naive(finding.opened_at),
        "severity": finding.severity.value,
        "service": f"{PREFIX}{finding.finding_id}",
        "action": REMEDIES[finding.check].task if is_fixable(finding.check) else "escalate",
        "escalated_by": escalated_by,
        "check": finding.check,
        "series": None if finding.key is None else str(finding.key),
        "incident": finding.incident_id,
        "value": finding.value,
        "threshold": finding.threshold,
        "occurrences": finding.occurrences,
    }


def tell_trouble(message: str, *, at: datetime) -> dict[str, Any]:
    """The plugin itself does not work; told once a day, since it cannot remember having told it."""
    return {
        "type": "ml_plugin",
        "source": SOURCE,
        "message": message,
        "timestamp": _naive(at),
        "severity": "critical",
        "service": f"{PREFIX}plugin:{at.astimezone(UTC):%Y-%m-%d}",
        "action": "escalate",
        "escalated_by": "host",
    }


def is_ours(host_finding: Mapping[str, Any]) -> bool:
    """Whether this plugin gave it to the host."""
    return str(host_finding.get("service") or "").startswith(PREFIX)


def read_finding_id(host_finding: Mapping[str, Any]) -> int | None:
    """The id of the stored finding, None where the plugin itself is meant."""
    text = str(host_finding["service"]).removeprefix(PREFIX)
    return int(text) if text.isdecimal() else None


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
