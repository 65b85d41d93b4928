"""`ml-health pin` and `ml-health unpin`: whether a model may be replaced and purged."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelVersion
from ml_core.entrypoints.console import LINE, MOMENT, output, print_json, whoami
from ml_core.services.training.pinning import Pinning


@click.command("pin")
@click.argument("subject", metavar="MODEL|SERIES")
@click.option("--reason", type=LINE, default="", help="Why; stored with the model's event.")
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--dry-run", is_flag=True, help="Say which version is meant and change nothing.")
@click.option("--now", type=MOMENT, help="The time of the pin; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def pin_command(
    platform: Platform, subject: str, reason: str, by: str | None, dry_run: bool, now: datetime | None, as_json: bool
) -> None:
    """Keep a model from being replaced and purged: a model's id, or DEVICE:METRIC for the one that serves."""
    pinning = Pinning(series=platform.series, models=platform.models, now=now or datetime.now(UTC))
    versions = pinning.find(subject, pinned=True)
    if not dry_run:
        pinning.set_pin(versions, pinned=True, by=by or whoami(), reason=reason)
    _tell(subject, versions, pinned=True, dry_run=dry_run, as_json=as_json)


@click.command("unpin")
@click.argument("subject", metavar="MODEL|SERIES")
@click.option("--reason", type=LINE, default="", help="Why; stored with the model's event.")
@click.option("--by", type=LINE, help="Who says so; default: the user of this machine.")
@click.option("--dry-run", is_flag=True, help="Say which versions are meant and change nothing.")
@click.option("--now", type=MOMENT, help="The time of it; default: the clock's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def unpin_command(
    platform: Platform, subject: str, reason: str, by: str | None, dry_run: bool, now: datetime | None, as_json: bool
) -> None:
    """Let a model be replaced and purged again: a model's id, or DEVICE:METRIC for every pinned one of it."""
    pinning = Pinning(series=platform.series, models=platform.models, now=now or datetime.now(UTC))
    versions = pinning.find(subject, pinned=False)
    if not dry_run:
        pinning.set_pin(versions, pinned=False, by=by or whoami(), reason=reason)
    _tell(subject, versions, pinned=False, dry_run=dry_run, as_json=as_json)


def _tell(subject: str, versions: list[ModelVersion], *, pinned: bool, dry_run: bool, as_json: bool) -> None:
    numbers = [version.version for version in versions]
    if as_json:
        models = [str(version.model_id) for version in versions]
        print_json({"subject": subject, "pinned": pinned, "dry_run": dry_run, "models": models, "versions": numbers})
        return
    done = "would be" if dry_run else "is now"
    words = "pinned" if pinned else "free to be replaced"
    output.print(f"{subject}: version {', '.join(map(str, numbers))} {done} {words}", markup=False, soft_wrap=True)
