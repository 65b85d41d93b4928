"""`ml-health grafana`: what Grafana needs, as files for its provisioning folder or over its HTTP API."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import output, print_json
from ml_core.errors import ConfigurationError
from ml_core.grafana.names import EMAIL_VARIABLE, PASSWORD_VARIABLE, WEBHOOK_VARIABLE
from ml_core.ports.grafana_server import GrafanaServer, Resource
from ml_core.services.grafana_content import apply_content, list_differences
from ml_core.services.provisioning import describe_datasource


@click.group("grafana")
def grafana_command() -> None:
    """Dashboards, datasource and alerts: as files, or in a Grafana that runs."""


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
    """Write datasource, provider, dashboards and alert rules into a folder, without any secret."""
    datasource = describe_datasource(platform.grafana_site, platform.grafana_reader, None)
    changes = platform.grafana_files(folder.resolve()).write(datasource, dry_run=False)
    place = platform.grafana_password.place
    if as_json:
        facts = {
            "folder": str(folder),
            "written": list(changes.written),
            "removed": list(changes.removed),
            "unchanged": changes.unchanged,
        }
        print_json({**facts, "password_variable": PASSWORD_VARIABLE, "password_file": place})
        return
    for path in changes.written:
        output.print(f"written: {folder / path}", soft_wrap=True)
    for path in changes.removed:
        output.print(f"removed: {folder / path}", soft_wrap=True)
    output.print(f"{changes.unchanged} files were current")
    output.print(
        f"start Grafana with {PASSWORD_VARIABLE} set to the content of {place}; "
        "`ml-health run ml_grafana` makes that login and its password",
        soft_wrap=True,
    )


def _server_options(command: Callable[..., None]) -> Callable[..., None]:
    url = click.option("--url", envvar="ML_HEALTH_GRAFANA_URL", help="Address of Grafana; or ML_HEALTH_GRAFANA_URL.")
    token = click.option(
        "--token",
        envvar="ML_HEALTH_GRAFANA_TOKEN",
        help="Token of a service account that may edit; better in ML_HEALTH_GRAFANA_TOKEN than here.",
    )
    return url(token(command))


@grafana_command.command("apply")
@_server_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def apply_command(platform: Platform, url: str | None, token: str | None, as_json: bool) -> None:
    """Make or mend everything in a Grafana that runs; a second time nothing is changed."""
    resources, server = _look_at(platform, url, token, password=platform.grafana_password.find())
    applied = apply_content(resources, server)
    if as_json:
        print_json({"created": applied.created, "updated": applied.updated, "unchanged": applied.unchanged})
        return
    for words, names in (("created", applied.created), ("updated", applied.updated)):
        for name in names:
            output.print(f"{words}: {name}", soft_wrap=True)
    output.print(f"{applied.unchanged} were current")


@grafana_command.command("diff")
@_server_options
@click.option(
    "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="A provisioning folder instead."
)
@click.pass_context
def diff_command(context: click.Context, url: str | None, token: str | None, folder: Path | None) -> None:
    """Show how a Grafana, or a provisioning folder, differs from this package; exit code 1 where it does."""
    platform: Platform = context.obj
    if url is None:
        datasource = describe_datasource(platform.grafana_site, platform.grafana_reader, None)
        files = platform.grafana_files(folder.resolve() if folder else None)
        lines = list(files.differences(datasource))
    else:
        resources, server = _look_at(platform, url, token, password=None)
        lines = list(list_differences(resources, server))
    for line in lines:
        click.echo(line.rstrip("\n"))
    if lines:
        context.exit(1)


def _look_at(
    platform: Platform, url: str | None, token: str | None, *, password: str | None
) -> tuple[list[Resource], GrafanaServer]:
    if not url or not token:
        raise ConfigurationError("give Grafana's --url and a --token, or set ML_HEALTH_GRAFANA_URL and ..._TOKEN")
    datasource = describe_datasource(platform.grafana_site, platform.grafana_reader, password)
    variable = {"email": EMAIL_VARIABLE, "webhook": WEBHOOK_VARIABLE}.get(platform.grafana_alerting.contact)
    address = os.environ.get(variable) if variable else None
    return platform.grafana_resources(datasource, contact_address=address), platform.grafana_server(url, token)
