"""`ml-health evaluate`: how good the detectors' alarms are on labelled readings of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.markup import escape

from ml_core.adapters.readings.label_files import read_labels
from ml_core.adapters.readings.reading_files import FileOptions, read_readings
from ml_core.bootstrap import Platform
from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS, detector_of_kind
from ml_core.entrypoints.console import errors, output, print_json, show_progress
from ml_core.entrypoints.file_options import describe_file
from ml_core.entrypoints.quality_table import compare_detectors
from ml_core.services.evaluating import (
    CollectedReadings,
    KindQuality,
    LabelledCorpus,
    collect_readings,
    evaluate_detectors,
    label_series,
)

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("evaluate")
@click.argument("file", type=_FILE)
@click.option("--labels", type=_FILE, required=True, help="Its events: start and end, or timestamp; perhaps series.")
@click.option("--kind", "kinds", multiple=True, help="A kind of detector; repeat for several. Default: all.")
@click.option("--train-share", type=float, help="Share to learn from; default: 15 %, at most 750 readings.")
@describe_file
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.pass_obj
def evaluate_command(
    platform: Platform,
    file: Path,
    labels: Path,
    kinds: tuple[str, ...],
    train_share: float | None,
    options: FileOptions,
    as_json: bool,
) -> int:
    """Judge the detectors on the readings of FILE, CSV or Parquet, whose events are known.

    Each series' first readings are learned from, the rest is scored in order. A table with only timestamp
    and value is one series. Nothing is stored. Exit code 1 where rows or series could not be used.
    """
    detectors = [detector_of_kind(kind) for kind in kinds] if kinds else list(DETECTOR_KINDS)
    spans = read_labels(labels, options.times)
    layout = replace(options.layout, unnamed=file.name.split(".")[0])
    with show_progress() as progress:
        collected = collect_readings(read_readings(file, replace(options, layout=layout)))
        corpus = label_series(collected.series, spans, train_share=train_share)
        rows = evaluate_detectors(corpus.series, detectors, platform.settings.detector, progress=progress)
    if as_json:
        print_json(_as_document(file.name, collected, corpus, rows))
    else:
        _print_rows(file.name, corpus, rows)
    _warn(collected, corpus)
    return 1 if collected.rejected or corpus.skipped else 0


def _as_document(
    name: str, collected: CollectedReadings, corpus: LabelledCorpus, rows: Sequence[KindQuality]
) -> dict[str, object]:
    return {
        "file": name,
        "rejected_rows": collected.rejected,
        "skipped_series": list(corpus.skipped),
        "unused_labels": corpus.unused,
        "kinds": [asdict(row) for row in rows],
    }


def _print_rows(name: str, corpus: LabelledCorpus, rows: Sequence[KindQuality]) -> None:
    n_events = sum(len(series.windows) for series in corpus.series)
    title = f"{name}: {len(corpus.series):,} series, {n_events:,} events"
    output.print(compare_detectors(escape(title), [(row.kind, row.quality) for row in rows]))
    for row in rows:
        for series, reason in row.refusals.items():
            errors.print(f"{row.kind}: {series} is not learned: {reason}", soft_wrap=True, markup=False)


def _warn(collected: CollectedReadings, corpus: LabelledCorpus) -> None:
    told = {
        "rows cannot be used: `ml-health import --dry-run` tells why": collected.rejected,
        "series are too short to be split": len(corpus.skipped),
        "labels touch no scored reading": corpus.unused,
    }
    for what, count in told.items():
        if count:
            errors.print(f"{count:,} {what}", soft_wrap=True, markup=False)
