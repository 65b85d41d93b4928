"""`ml-health import`: readings of a CSV or Parquet file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.table import Table

from ml_core.adapters.readings.reading_files import FileOptions, read_readings
from ml_core.adapters.readings.reading_store import PostgresReadingStore
from ml_core.adapters.readings.telemetry_mapping import OWN_RELATION
from ml_core.bootstrap import Platform
from ml_core.domain.series import FIXED_TENANT
from ml_core.entrypoints.console import dry_words, errors, output, print_json, show_progress
from ml_core.entrypoints.file_options import describe_file
from ml_core.errors import ConfigurationError
from ml_core.services.importing import ImportReport, import_readings


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@describe_file
@click.option("--tenant", type=click.UUID, default=FIXED_TENANT, help="The tenant, where the site has tenants.")
@click.option("--source", help="Name under which rejected rows are kept; default: the file's.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.pass_obj
def import_command(
    platform: Platform,
    file: Path,
    options: FileOptions,
    tenant: UUID,
    source: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Import the readings of FILE, CSV or Parquet.

    A long table has the columns device, metric, timestamp and value; a wide one has a timestamp and a
    column a metric. Rows that cannot be used are kept aside with their reasons and counted: exit code 1,
    or 2 where no row could be used. The same file again changes nothing.
    """
    _require_own_telemetry(platform)
    with show_progress() as progress:
        report = import_readings(
            read_readings(file, replace(options, tenant=tenant)),
            store=PostgresReadingStore(platform.database, dry_run=dry_run),
            source=source or file.name,
            now=datetime.now(UTC),
            lateness=timedelta(seconds=platform.settings.scoring.lateness_s),
            progress=progress,
        )
    if as_json:
        print_json(report_as_json(file.name, report, dry_run=dry_run))
    else:
        print_report(file.name, report, dry_run=dry_run)
    if not report.rejected:
        return 0
    return 1 if report.accepted + report.duplicates else 2


def _require_own_telemetry(platform: Platform) -> None:
    relation = platform.settings.telemetry.relation
    if relation != OWN_RELATION:
        raise ConfigurationError(
            f"telemetry.relation is {relation!r}, the platform's own: write readings there. An import fills "
            f"{OWN_RELATION}, which nothing would read"
        )


def report_as_json(name: str, report: ImportReport, *, dry_run: bool) -> dict[str, Any]:
    """The JSON object that `ml-health import --json` prints."""
    return {
        "file": name,
        "dry_run": dry_run,
        "series": report.series,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "late": report.late,
        "left_empty": report.left_empty,
        "rejected": report.rejected,
        "rejected_by_reason": {reason.name.lower(): count for reason, count in report.rejected_by_reason.items()},
    }


def print_report(name: str, report: ImportReport, *, dry_run: bool) -> None:
    """An import for people: what was stored, what was not and why."""
    dry = dry_words(dry_run)
    errors.print(f"[bold]{name}[/bold]: {report.series:,} series{dry}", soft_wrap=True)
    table = Table("rows", "what became of them", box=None)
    table.columns[0].justify = "right"
    table.add_row(f"{report.accepted:,}", "stored")
    told = {
        "of these too late to be scored": report.late,
        "stored before": report.duplicates,
        "empty cells": report.left_empty,
        **{f"kept aside: {reason.value}": count for reason, count in report.rejected_by_reason.items()},
    }
    for what, count in told.items():
        if count:
            table.add_row(f"{count:,}", what)
    output.print(table)
    if report.rejected and not dry_run:
        errors.print("rows kept aside stand in ml_health.rejected_reading", soft_wrap=True)
    if report.accepted and not dry_run:
        errors.print("next: `ml-health run ml_discover` makes models of what can be trained", soft_wrap=True)
