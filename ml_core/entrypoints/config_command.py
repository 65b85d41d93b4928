"""`ml-health config`: what is set, and the example file with every setting explained."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from ml_core.bootstrap import Platform
from ml_core.domain.incidents.redaction import REDACTED, redact
from ml_core.entrypoints.console import print_json
from ml_core.entrypoints.settings_text import render_example, render_reference
from ml_core.errors import ConfigurationError
from ml_core.settings import section_types

_ALWAYS_HIDDEN = ("github.token", "database.url")


@click.command("config")
@click.option("--example", is_flag=True, help="Print a commented configuration file with every default.")
@click.option("--reference", is_flag=True, help="Print docs/configuration.md, which explains every setting.")
@click.pass_obj
def config_command(platform: Platform, example: bool, reference: bool) -> None:
    """Print the settings in force as JSON (secrets hidden), or an example file, or their documentation."""
    if example and reference:
        raise ConfigurationError("--example and --reference exclude each other")
    if example:
        click.echo(render_example(), nl=False)
    elif reference:
        click.echo(render_reference(), nl=False)
    else:
        print_json(describe_settings(platform))


def describe_settings(platform: Platform) -> dict[str, Any]:
    """The settings in force by section and key, without secrets."""
    settings = platform.settings
    sections = {
        name: {
            item.name: _hide(f"{name}.{item.name}", getattr(getattr(settings, name), item.name), settings.secrets)
            for item in fields(kind)
        }
        for name, kind in section_types().items()
    }
    return {"home": str(settings.home), "file": settings.config_path, **sections}


def _hide(name: str, value: Any, secrets: tuple[str, ...]) -> Any:
    if name in _ALWAYS_HIDDEN:
        return REDACTED if value else value
    # A store's address may carry a password of its own.
    return redact(value, secrets) if isinstance(value, str) else value
