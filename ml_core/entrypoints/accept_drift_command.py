"""`ml-health accept-drift`: what a series does now is its new normal."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ml_core.bootstrap import Platform
from ml_core.domain.task import Outcome
from ml_core.entrypoints.console import LINE, MOMENT, print_json, show_progress, stop_on_signal, whoami
from ml_core.entrypoints.run_command import print_result
from ml_core.entrypoints.runner import run_task
from ml_core.services.named_series import list_named

NOT_ACCEPTED = 1


@click.command("accept-drift")
@click.argument("series")
@click.option("--reason", type=LINE, default="", help="Why it moved; stored with the model's event.")
@click.option(
    "--since", type=MOMENT, help="From when on it is so; default: where drift was found, else the last training."
)
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--dry-run", is_flag=True, help="Say what would be learned and change nothing.")
@click.option("--now", type=MOMENT, help="The time to train at; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def accept_drift_command(
    platform: Platform,
    series: str,
    reason: str,
    since: datetime | None,
    by: str | None,
    dry_run: bool,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Train SERIES (DEVICE:METRIC) at once on what came since it moved, and make that its gold window.

    For a machine that changed on purpose, where retraining is refused or drift is told. A pinned model stays.
    """
    # A name that nobody bears is wrong usage, not a run that failed.
    list_named(platform.series, series)
    params = {"series": series, "accepted_by": by or whoami(), "reason": reason}
    if since is not None:
        params["since"] = since.isoformat()
    with show_progress() as progress, stop_on_signal() as should_stop:
        result = run_task(
            platform,
            "ml_retrain",
            now=now or datetime.now(UTC),
            params=params,
            dry_run=dry_run,
            should_stop=should_stop,
            progress=progress,
        )
    if as_json:
        print_json(result.to_json())
    else:
        print_result(result)
    if result.outcome is Outcome.SKIPPED and not dry_run:
        return NOT_ACCEPTED
    return result.outcome.exit_code
