"""`ml-health demo`: several nights of the schedule on real series, and what came of them."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

import click

from ml_core.adapters.readings.reading_files import FileOptions
from ml_core.bootstrap import Platform
from ml_core.entrypoints.console import errors, output, print_json
from ml_core.entrypoints.demo.live import watch_live
from ml_core.entrypoints.demo.operator import AUDIT
from ml_core.entrypoints.demo.performance import Play, perform
from ml_core.entrypoints.demo.summary import print_summary
from ml_core.entrypoints.exclusive import hold_alone
from ml_core.entrypoints.file_options import describe_file
from ml_core.settings import Settings

HOMES = {"story": "story", "csv": "csv", "live": "live"}
"""A home of its own for each kind of demo, so that none reads another's readings."""


@click.command("demo")
@click.option("--csv", "csv_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Your own data.")
@describe_file
@click.option("--live", is_flag=True, help="Watch this machine's processor, memory, disk and network.")
@click.option("--seconds", type=click.IntRange(min=1), help="With --live: stop after so many seconds.")
@click.option("--fresh", is_flag=True, help="Forget an earlier demo and begin anew.")
@click.option("--stop", is_flag=True, help="Stop the demo's database; its data stay.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the summary.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=".demo", show_default=True, help="Its home.")
def demo_command(
    csv_file: Path | None,
    options: FileOptions,
    live: bool,
    seconds: int | None,
    fresh: bool,
    stop: bool,
    as_json: bool,
    folder: Path,
) -> None:
    """Play nine days of the schedule on an injected clock; killed at any moment, the next call completes it."""
    if stop:
        for name in HOMES.values():
            Platform(Settings(home=(folder / name).resolve())).embedded_postgres.stop()
        errors.print(f"stopped; the data stay in {folder.resolve()}")
        return
    kind = "live" if live else "csv" if csv_file else "story"
    settings = Settings(home=(folder / HOMES[kind]).resolve(), audit=AUDIT)
    settings.home.parent.mkdir(parents=True, exist_ok=True)
    told = f"another demo runs in {settings.home.parent}: wait for it, or give another --dir"
    with hold_alone(settings.home.with_suffix(".lock"), otherwise=told), closing(Platform(settings)) as platform:
        if fresh and settings.home.exists():
            platform.embedded_postgres.stop()
            shutil.rmtree(settings.home)
        settings.home.mkdir(parents=True, exist_ok=True)
        if live:
            watch_live(platform, seconds=seconds)
            return
        play = Play.of_file(csv_file, options) if csv_file else Play.of_story(find_end(settings.home))
        summary = perform(platform, play)
    if as_json:
        print_json(summary.to_json())
    else:
        print_summary(summary, output)
        errors.print(f"Everything is in {settings.home}; `make demo-stop` ends its database, --fresh begins anew.")
        errors.print(f"To ask it more: ML_HEALTH_HOME={quote(str(settings.home))} ml-health status", soft_wrap=True)


def find_end(home: Path) -> datetime:
    """The demo's last moment: now at its first start, the same again when it is begun a second time."""
    anchor = home / "end"
    if not anchor.exists():
        unfinished = home / "end.unfinished"
        unfinished.write_text(datetime.now(UTC).replace(minute=0, second=0, microsecond=0).isoformat())
        unfinished.rename(anchor)
    return datetime.fromisoformat(anchor.read_text())
