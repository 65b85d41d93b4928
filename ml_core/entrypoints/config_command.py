"""`ml-health config`: what is set, and the example file with every setting explained."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import print_json
from ml_core.settings import section_types


@click.command("config")
@click.option("--example", is_flag=True, help="Print a commented configuration file with every default.")
@click.pass_obj
def config_command(platform: Platform, example: bool) -> None:
    """Print the settings in force as JSON (secrets hidden), or an example file."""
    if example:
        click.echo(render_example(), nl=False)
        return
    settings = platform.settings
    shown: dict[str, Any] = {
        name: {item.name: _hide(item.name, getattr(getattr(settings, name), item.name)) for item in fields(kind)}
        for name, kind in section_types().items()
    }
    print_json({"home": str(settings.home), "file": settings.config_path, **shown})


def render_example() -> str:
    """Every section and key with its help and default, commented out, as TOML."""
    lines = [
        "# Settings of ml-health. Put what you change into /etc/ml-health/config.toml, the user's",
        "# configuration folder, or the file that ML_HEALTH_CONFIG names. ML_HEALTH_SECTION__KEY overrides.",
    ]
    for name, kind in section_types().items():
        lines += ["", f"[{name}]"]
        for item in fields(kind):
            default = getattr(kind(), item.name)
            lines += [f"# {item.metadata['help']}", f"# {item.name} = {_toml(default)}"]
    return "\n".join(lines) + "\n"


def _hide(name: str, value: Any) -> Any:
    return "***" if value and name in ("token", "url") else value


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""  # not set'
        case dict():
            return "{}"
        case tuple():
            return "[" + ", ".join(_toml(entry) for entry in value) + "]"
        case str():
            return f'"{value}"'
        case _:
            return repr(value)
