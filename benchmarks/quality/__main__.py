"""`python -m benchmarks.quality`: every detector on labelled telemetry, as a table and a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from benchmarks.quality.corpus import DATA_VARIABLE, find_data, load_groups
from benchmarks.quality.measuring import measure
from benchmarks.quality.report import as_document, show
from benchmarks.quality.rivals import SCORERS
from benchmarks.results_file import RESULTS, write_results
from ml_core.entrypoints.console import errors, print_json, show_progress
from ml_core.errors import ConfigurationError


def choose(named: tuple[str, ...], known: list[str], what: str) -> list[str]:
    """The named ones, or all; ConfigurationError names those that are not known."""
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ConfigurationError(f"unknown {what} {', '.join(unknown)}; known: {', '.join(known)}")
    return [name for name in known if not named or name in named]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help=f"Folder of telemetry; else {DATA_VARIABLE} names it.")
@click.option("--only", multiple=True, metavar="NAME", help="A detector to measure; repeat for several.")
@click.option("--group", "only_groups", multiple=True, metavar="NAME", help="A group of series; repeat for several.")
@click.option("--workers", type=click.IntRange(1), default=len(os.sched_getaffinity(0)), help="Processes.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the JSON goes; default: benchmarks/results.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of tables.")
def main(
    data: Path | None,
    only: tuple[str, ...],
    only_groups: tuple[str, ...],
    workers: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure detectors on labelled telemetry; prints tables and writes a file."""
    groups = load_groups(find_data(data))
    names = choose(only, list(SCORERS), "detector")
    kept = choose(only_groups, [group.name for group in groups], "group")
    chosen = [group for group in groups if group.name in kept]
    with show_progress() as progress:
        rows = measure({name: SCORERS[name] for name in names}, chosen, workers=workers, progress=progress)
    document = as_document(rows)
    # A part must not pass for the whole.
    path = output or RESULTS / ("quality-part.json" if only or only_groups else "quality.json")
    write_results(path, document)
    if as_json:
        print_json(document)
    else:
        show(rows, chosen)
        errors.print(f"written to {path}", soft_wrap=True)


if __name__ == "__main__":
    try:
        main(standalone_mode=True)
    except ConfigurationError as exc:
        sys.exit(f"bench-quality: {exc}")
