"""Grafana: views, the reader's login and provisioning files in place and current."""

from __future__ import annotations

from ml_core.bootstrap import TaskContext
from ml_core.domain.task import TaskReport
from ml_core.services.provisioning import provision_grafana


def run(context: TaskContext) -> TaskReport:
    """Bring what Grafana needs up to date; findings say what an administrator must do."""
    platform = context.platform
    return provision_grafana(
        platform.grafana_site,
        views=platform.views,
        readers=platform.grafana_reader,
        passwords=platform.grafana_password,
        files=platform.grafana_files(),
        sites=platform.device_sites,
        dry_run=context.dry_run,
    )
