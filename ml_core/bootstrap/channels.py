"""Ways out of the platform: issues, alerts, the archive."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.bootstrap.connections import Connections

if TYPE_CHECKING:
    from ml_core.adapters.issues.github_issues import GitHubIssues
    from ml_core.ports.alert_log import AlertChannel
    from ml_core.ports.detection_archive import DetectionArchive
    from ml_core.ports.issue_tracker import IssueTracker


class Channels(Connections):
    """Where people are told, and where what expires is kept."""

    def close(self) -> None:
        """Give the connection to GitHub back too."""
        super().close()
        if "github" in self.__dict__:
            self.github.close()

    @cached_property
    def alert_channels(self) -> tuple[AlertChannel, ...]:
        """Where alerts are told."""
        from ml_core.adapters.alert_file import AlertFile

        named = self.settings.alerts.log_path
        return (AlertFile(Path(named).expanduser() if named else self.settings.home / "alerts.jsonl"),)

    def issue_tracker(self, *, now: datetime) -> IssueTracker:
        """GitHub where repository and token or app are set, else a folder of issues rendered as of `now`."""
        github, label = self.settings.github, self.settings.escalation.label
        if github.is_set:
            return self.github
        from ml_core.adapters.issues.issue_folder import IssueFolder

        return IssueFolder(github.folder or self.settings.home / "issues", label=label, now=lambda: now)

    @cached_property
    def github(self) -> GitHubIssues:
        """Issues on GitHub, filed with a token or as an app."""
        from ml_core.adapters.issues.github_account import GitHubApp
        from ml_core.adapters.issues.github_issues import GitHubIssues

        github = self.settings.github
        return GitHubIssues(
            github.repository,
            github.token
            or GitHubApp(
                app_id=github.app_id,
                installation_id=github.installation_id,
                private_key=github.read_app_key(),
            ),
            base_url=github.base_url,
            label=self.settings.escalation.label,
        )

    @cached_property
    def archive(self) -> DetectionArchive | None:
        """Where expired detections are kept, if a site asks for it."""
        from ml_core.adapters.artifacts.detection_archive import ParquetArchive

        url = self.settings.retention.archive_url
        return ParquetArchive(url) if url else None
