"""`ml-health db`: the embedded PostgreSQL, and the schema of whichever database is in use."""

from __future__ import annotations

import click

from ml_core.adapters.embedded.binaries import find_binaries
from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import output, print_json
from ml_core.errors import ConfigurationError


@click.group("db")
def db_command() -> None:
    """Start, stop and migrate the database."""


def _require_embedded(platform: Platform) -> None:
    if platform.settings.database.url:
        raise ConfigurationError("ML_HEALTH_DATABASE_URL (database.url) is set: the embedded PostgreSQL is not in use")


@db_command.command("start")
@click.pass_obj
def start_command(platform: Platform) -> None:
    """Start the embedded PostgreSQL and bring its schema up to date."""
    _require_embedded(platform)
    platform.migrator.apply()
    output.print(f"running on port {platform.embedded_postgres.status().port}")


@db_command.command("stop")
@click.pass_obj
def stop_command(platform: Platform) -> None:
    """Stop the embedded PostgreSQL; its data stay."""
    _require_embedded(platform)
    platform.embedded_postgres.stop()
    output.print("stopped")


@db_command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status_command(platform: Platform, as_json: bool) -> int:
    """Say whether the embedded PostgreSQL runs, and where; exit code 2 where it does not."""
    _require_embedded(platform)
    status = platform.embedded_postgres.status()
    facts = {
        "running": status.running,
        "port": status.port,
        "pid": status.pid,
        "version": status.version,
        "data": str(status.data_dir),
        "log": str(status.log_path),
        "programs": str(find_binaries().folder),
    }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            output.print(f"{name:<8} {value}")
    return 0 if status.running else 2


@db_command.command("url")
@click.option(
    "--role",
    type=click.Choice(["owner", "writer", "reader"]),
    default="owner",
    show_default=True,
    help="Whose login.",
)
@click.pass_obj
def url_command(platform: Platform, role: str) -> None:
    """Print the embedded PostgreSQL's address with its password, for psql and other programs."""
    _require_embedded(platform)
    click.echo(platform.embedded_postgres.url(role))  # type: ignore[arg-type]


@db_command.command("migrate")
@click.option("--dry-run", is_flag=True, help="List what is pending and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def migrate_command(platform: Platform, dry_run: bool, as_json: bool) -> None:
    """Bring the database's schema to that of this program; run it as the database's owner."""
    migrator = platform.migrator
    migrations = migrator.pending() if dry_run else migrator.apply()
    facts = {
        "dry_run": dry_run,
        "migrations": [f"{migration.version:04d}_{migration.name}" for migration in migrations],
        "version": migrator.current_version(),
    }
    if as_json:
        print_json(facts)
        return
    word = "pending" if dry_run else "applied"
    for name in facts["migrations"]:  # type: ignore[attr-defined]
        output.print(f"{word}: {name}")
    output.print(f"the schema is at version {facts['version']}")
