"""`ml-health`: the command line. Exit codes: 0 done, 1 partly, 2 failed, 64 wrong usage."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ml_core import __version__
from ml_core.bootstrap import Platform
from ml_core.domain.redaction import redact
from ml_core.entrypoints.console import errors
from ml_core.errors import ConfigurationError, InvalidNameError, MLHealthError
from ml_core.settings import load_settings

EXIT_USAGE = 64
EXIT_FAILED = 2

COMMANDS: dict[str, str] = {
    "config": "config_command:config_command",
    "db": "db_command:db_command",
    "demo": "demo_command:demo_command",
    "doctor": "doctor_command:doctor_command",
    "grafana": "grafana_command:grafana_command",
    "import": "import_command:import_command",
    "mute": "mute_command:mute_command",
    "run": "run_command:run_command",
    "scheduler": "scheduler_command:scheduler_command",
    "status": "status_command:status_command",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that each starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"ml_core.entrypoints.{module}"), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ml-health")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Keep a fleet of anomaly models healthy."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # PyGithub writes whole issue bodies at DEBUG.
    logging.getLogger("github").setLevel(logging.WARNING)
    ctx.obj = Platform(load_settings())
    ctx.call_on_close(ctx.obj.close)


def call(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; every error that is ours ends as one line."""
    try:
        result = cli.main(args=arguments, prog_name="ml-health", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.UsageError as exc:
        exc.show()
        return EXIT_USAGE
    except click.Abort:
        errors.print("stopped")
        return EXIT_FAILED
    except (ConfigurationError, InvalidNameError) as exc:
        return _tell(exc, EXIT_USAGE)
    except MLHealthError as exc:
        return _tell(exc, EXIT_FAILED)
    return result if isinstance(result, int) else 0


def _tell(exc: MLHealthError, code: int) -> int:
    secrets = [os.environ.get(name, "") for name in ("ML_HEALTH_DATABASE_URL", "ML_HEALTH_GITHUB__TOKEN")]
    errors.print(f"[red]ml-health:[/red] {redact(str(exc), [s for s in secrets if s])}", soft_wrap=True)
    return code


def main() -> None:
    """The `ml-health` program."""
    sys.exit(call())


if __name__ == "__main__":
    main()
