"""`ml-health doctor`: is this site set up well, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Column, Table

from ml_core.bootstrap import Platform
from ml_core.domain.incidents.redaction import redact
from ml_core.entrypoints.console import output, print_json
from ml_core.entrypoints.doctor import examine

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def doctor_command(platform: Platform, as_json: bool) -> int:
    """Check the set-up and its paths; exit code 0 well, 1 with warnings, 2 with failures."""
    secrets = platform.settings.secrets
    diagnoses = [asdict(diagnosis) for diagnosis in examine(platform, datetime.now(UTC))]
    for diagnosis in diagnoses:
        diagnosis["seen"] = redact(diagnosis["seen"], secrets)
    if as_json:
        print_json({"diagnoses": diagnoses})
    else:
        # Folded, never cut: paths are there to be copied.
        table = Table(*(Column(title, overflow="fold") for title in ("what", "grade", "seen", "what to do")))
        for diagnosis in diagnoses:
            grade = diagnosis["grade"]
            coloured = f"[{_COLOURS[grade]}]{grade}[/]"
            table.add_row(diagnosis["what"], coloured, escape(diagnosis["seen"]), escape(diagnosis["advice"]))
        output.print(table)
    grades = {diagnosis["grade"] for diagnosis in diagnoses}
    return 2 if "fail" in grades else 1 if "warn" in grades else 0
