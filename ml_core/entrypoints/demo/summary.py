"""What happened, in words that somebody new understands: everything is read back from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ml_core.bootstrap import Platform
from ml_core.entrypoints.demo.story import DemoSeries
from ml_core.ports.history import PastEvent, PastFinding, SeriesTally


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A fault that was put in, and what came of it."""

    series: str
    words: str
    check: str
    since: datetime
    found: PastFinding | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The whole demo, told at its end."""

    planted: Sequence[Planted]
    series: Sequence[SeriesTally]
    events: Sequence[PastEvent]
    findings: Sequence[PastFinding]
    issues: Sequence[Path]
    dashboards: Path
    picture: Path | None

    def to_json(self) -> dict[str, Any]:
        """The summary for machines."""
        return {
            "planted": [
                {
                    "series": planted.series,
                    "fault": planted.words,
                    "check": planted.check,
                    "found_at": None if planted.found is None else planted.found.opened_at.isoformat(),
                    "message": None if planted.found is None else planted.found.message,
                }
                for planted in self.planted
            ],
            "series": [vars(tally) for tally in self.series],
            "events": dict(Counter(event.event for event in self.events)),
            "refused": [vars(event) for event in self.events if event.event == "not_promoted"],
            "findings": [vars(finding) for finding in self.findings],
            "issues": [str(path) for path in self.issues],
            "dashboards": str(self.dashboards),
            "picture": None if self.picture is None else str(self.picture),
        }


def summarise(
    platform: Platform, story: Sequence[DemoSeries], *, after: datetime, until: datetime, picture: Path | None
) -> Summary:
    """Read back what happened after one moment and until another."""
    settings = platform.settings
    findings = platform.history.list_findings(after=after, until=until)
    provisioning = settings.grafana.provisioning_dir or settings.home / "grafana"
    return Summary(
        planted=[_look_for(series, findings) for series in story if series.fault is not None],
        series=platform.history.tally_series(after=after, until=until),
        events=platform.history.list_events(after=after, until=until),
        findings=findings,
        issues=sorted((settings.home / "issues").glob("*.md")),
        dashboards=Path(provisioning),
        picture=picture,
    )


def _look_for(series: DemoSeries, findings: Sequence[PastFinding]) -> Planted:
    assert series.fault is not None  # noqa: S101 - only series with a fault are asked about
    fault = series.fault
    found = next(
        (
            finding
            for finding in findings
            if finding.series == str(series.key) and finding.check == fault.check and finding.opened_at >= fault.since
        ),
        None,
    )
    return Planted(series=str(series.key), words=fault.words, check=fault.check, since=fault.since, found=found)


def print_summary(summary: Summary, console: Console) -> None:
    """The summary for people."""
    if summary.planted:
        _print_planted(summary, console)
    _print_models(summary, console)
    _print_refusals(summary, console)
    _print_rest(summary, console)


def _print_planted(summary: Summary, console: Console) -> None:
    console.rule("What was put in, and what was found")
    for planted in summary.planted:
        console.print(f"[bold]{planted.series}[/bold]: {planted.words}")
        if planted.found is None:
            console.print(f"  [red]not found[/red] by the check {planted.check}")
            continue
        found = f"[green]found[/green] by the check [bold]{planted.check}[/bold]"
        console.print(f"  {found} on {planted.found.opened_at:%a %d %b at %H:%M}, last told as:")
        console.print(f"  {escape(planted.found.message)}")


def _print_models(summary: Summary, console: Console) -> None:
    console.rule("The models at the end")
    table = Table("series", "health", "version", "scored", "anomalies", "episodes")
    for tally in summary.series:
        version = "" if tally.version is None else f"v{tally.version}"
        health = tally.health if tally.state == "modelled" else tally.state
        figures = (f"{tally.scored:,}", f"{tally.anomalies:,}", f"{tally.episodes:,}")
        table.add_row(tally.series, health.replace("_", " "), version, *figures)
    console.print(table)
    events = Counter(event.event for event in summary.events)
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in events.most_common())
    console.print(f"Model events: {told}.")


def _print_refusals(summary: Summary, console: Console) -> None:
    refused = {event.series: event for event in summary.events if event.event == "not_promoted"}
    for event in refused.values():
        words = f"The retrained model of [bold]{event.series}[/bold] was refused, the old one serves on"
        console.print(f"{words}: {escape(event.reason or '')}.")


def _print_rest(summary: Summary, console: Console) -> None:
    console.rule("What people would see")
    console.print(f"{len(summary.issues)} GitHub issues would have been filed, closed ones included:")
    for path in summary.issues:
        told = dict(line.split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines()[1:6] if ": " in line)
        state, title = told["state"].strip('"'), told["title"].strip('"')
        console.print(f"  {path}  {state}  {escape(title)}", soft_wrap=True)
    console.print(f"Grafana's files (datasource, provider, dashboards): {summary.dashboards}", soft_wrap=True)
    if summary.picture is not None:
        console.print(f"A picture of one series with its band and anomalies: {summary.picture}", soft_wrap=True)
