"""Rendered issues bear the time of the run that wrote them, as a demo on an injected clock shows."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ml_core.bootstrap import Platform
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_an_issue_is_told_of_at_the_runs_time(database_url: str, tmp_path: Path) -> None:
    """Its comments bear that date, and nothing in it bears today's."""
    with closing(Platform(Settings(home=tmp_path, database=DatabaseSettings(url=database_url)))) as platform:
        for turn, severity in enumerate([Severity.CRITICAL, *[None] * 5]):
            at = NOW + timedelta(hours=12 * turn)
            seen = Observation(check=CheckName.HEARTBEAT, series_id=None, severity=severity, message="no daily check")
            platform.findings.observe([seen], at=at)
            run_task(platform, "ml_escalate", now=at)

    (issue,) = (tmp_path / "issues").glob("*.md")
    text = issue.read_text(encoding="utf-8")
    assert "**2025-03-02 00:00 UTC**" in text
    assert f"{datetime.now(UTC):%Y-%m-%d}" not in text
