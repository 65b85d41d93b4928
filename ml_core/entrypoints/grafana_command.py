"""`ml-health grafana`: the provisioning files, for a Grafana on another machine or in a container."""

from __future__ import annotations

from pathlib import Path

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import output, print_json
from ml_core.grafana.names import PASSWORD_VARIABLE
from ml_core.services.provisioning import describe_datasource


@click.group("grafana")
def grafana_command() -> None:
    """Files for Grafana."""


@grafana_command.command("render")
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; mount it as Grafana's provisioning folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def render_command(platform: Platform, folder: Path, as_json: bool) -> None:
    """Write datasource, dashboard provider and dashboards into a folder, without any secret."""
    datasource = describe_datasource(platform.grafana_site, platform.grafana_reader, None)
    changes = platform.grafana_files(folder.resolve()).write(datasource, dry_run=False)
    place = platform.grafana_password.place
    if as_json:
        facts = {"folder": str(folder), "written": list(changes.written), "unchanged": changes.unchanged}
        print_json({**facts, "password_variable": PASSWORD_VARIABLE, "password_file": place})
        return
    for path in changes.written:
        output.print(f"written: {folder / path}", soft_wrap=True)
    output.print(f"{changes.unchanged} files were current")
    output.print(
        f"start Grafana with {PASSWORD_VARIABLE} set to the content of {place}; "
        "`ml-health run ml_grafana` makes that login and its password",
        soft_wrap=True,
    )
