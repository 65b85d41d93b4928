"""`ml-health`: the command line. Exit codes: 0 done, 1 partly, 2 failed, 64 wrong usage."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click
from rich.markup import escape

from ml_core import __version__
from ml_core.bootstrap import Platform
from ml_core.domain.incidents.redaction import redact
from ml_core.entrypoints.console import errors, print_json
from ml_core.errors import ConfigurationError, InvalidNameError, describe_error
from ml_core.settings import load_settings

logger = logging.getLogger(__name__)

EXIT_USAGE = 64
EXIT_FAILED = 2
_WORDS_ALONE = frozenset({"-h", "--help", "--example", "--reference"})
"""Who asks for these is told how things are written, so settings that are written wrongly must not be in the way."""

COMMANDS: dict[str, str] = {
    "accept-drift": "accept_drift_command:accept_drift_command",
    "anomalies": "anomalies_command:anomalies_command",
    "audit": "audit_command:audit_command",
    "backtest": "backtest_command:backtest_command",
    "config": "config_command:config_command",
    "db": "db_command:db_command",
    "demo": "demo_command:demo_command",
    "doctor": "doctor_command:doctor_command",
    "evaluate": "evaluate_command:evaluate_command",
    "explain": "explain_command:explain_command",
    "grafana": "grafana_command:grafana_command",
    "import": "import_command:import_command",
    "maintenance": "maintenance_command:maintenance_command",
    "mute": "mute_command:mute_command",
    "quality": "quality_command:quality_command",
    "pin": "pin_command:pin_command",
    "roll-back": "roll_back_command:roll_back_command",
    "run": "run_command:run_command",
    "scheduler": "scheduler_command:scheduler_command",
    "snooze": "snooze_command:snooze_command",
    "status": "status_command:status_command",
    "unpin": "pin_command:unpin_command",
    "verdict": "verdict_command:verdict_command",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that each starts at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take note of whether nothing but words is asked for, then parse as ever."""
        ctx.meta[__name__] = not _WORDS_ALONE.isdisjoint(args)
        return super().parse_args(ctx, args)

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
    # PyGithub writes whole issue bodies at DEBUG; APScheduler tells each of its wakings.
    for name in ("github", "apscheduler"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = load_settings()
    except ConfigurationError:
        if ctx.meta[__name__]:
            return
        raise
    _refuse_foreign_home(settings.home)
    ctx.obj = Platform(settings)
    ctx.call_on_close(ctx.obj.close)


def call(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; every error that is ours ends as one line."""
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        result = cli.main(args=arguments, prog_name="ml-health", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.UsageError as exc:
        exc.show()
        if as_json:
            _print_error(exc.format_message(), exc, EXIT_USAGE)
        return EXIT_USAGE
    except click.Abort:
        errors.print("stopped")
        return EXIT_FAILED
    except (ConfigurationError, InvalidNameError) as exc:
        return _tell(exc, EXIT_USAGE, as_json=as_json)
    except Exception as exc:
        # A surprise is no partial success: exit code 2 and one line; -v shows where it came from.
        logger.info("unexpected", exc_info=exc)
        return _tell(exc, EXIT_FAILED, as_json=as_json)
    return result if isinstance(result, int) else 0


def _refuse_foreign_home(home: Path) -> None:
    """As root, files made in another user's home would lock that user out of it."""
    if os.geteuid() != 0 or not home.exists():
        return
    owner = home.stat().st_uid
    if owner != 0:
        raise ConfigurationError(
            f"{home} belongs to user {owner} and you are root: run this as that user "
            f"(sudo -u '#{owner}' ml-health ...), or set ML_HEALTH_HOME to a folder of your own"
        )


def _tell(exc: Exception, code: int, *, as_json: bool) -> int:
    secrets = [os.environ.get(name, "") for name in ("ML_HEALTH_DATABASE_URL", "ML_HEALTH_GITHUB__TOKEN")]
    words = redact(describe_error(exc), [secret for secret in secrets if secret])
    errors.print(f"[red]ml-health:[/red] {escape(words)}", soft_wrap=True)
    if as_json:
        _print_error(words, exc, code)
    return code


def _print_error(words: str, exc: Exception, code: int) -> None:
    print_json({"error": words, "kind": type(exc).__name__, "exit_code": code})


def main() -> None:
    """The `ml-health` program."""
    sys.exit(call())


if __name__ == "__main__":
    main()
