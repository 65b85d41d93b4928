"""`ml-health status`: ten lines on how the fleet is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from math import inf

import click

from ml_core.bootstrap import Platform
from ml_core.domain.scoring.rollup import LATENCY_BOUNDS_MS, latency_quantile_ms
from ml_core.entrypoints.console import MOMENT, output, print_json
from ml_core.entrypoints.series_table import print_series
from ml_core.ports.fleet_overview import FleetOverview

NO_DATA = "no data"
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--series", "list_series", is_flag=True, help="List every series instead.")
@click.option("--now", type=MOMENT, help="The time to look from; default: the clock's.")
@click.pass_obj
def status_command(platform: Platform, as_json: bool, list_series: bool, now: datetime | None) -> None:
    """Say how the fleet is: models, scoring, findings, runs."""
    moment = now or datetime.now(UTC)
    if list_series:
        print_series(platform.series.list_series(), moment, as_json=as_json)
        return
    overview = platform.fleet.read(now=moment)
    if as_json:
        print_json(asdict(overview))
        return
    for title, text in render_status(overview, moment):
        output.print(f"[bold]{title:<10}[/bold]", end="")
        output.print(text, markup=False, soft_wrap=True)


def render_status(fleet: FleetOverview, now: datetime) -> list[tuple[str, str]]:
    """Title and text of each line."""
    return [
        (
            "Series",
            f"{sum(fleet.series_by_state.values())} on {fleet.devices} devices: {_join(fleet.series_by_state)}",
        ),
        ("Health", _join(fleet.series_by_health) + (f"; {fleet.muted} muted" if fleet.muted else "")),
        ("Models", _tell_models(fleet, now)),
        ("Scoring", _tell_scoring(fleet, now)),
        ("Alarms", _tell_alarms(fleet)),
        ("Latency", _tell_latency(fleet)),
        ("Findings", _join(fleet.findings_by_severity, nothing="none open")),
        ("Foremost", "; ".join(fleet.top_findings) or "nothing"),
        (
            "Issues",
            f"{fleet.open_incidents} open; to be sent: {_join(fleet.outbox_by_status, nothing='nothing')}",
        ),
        ("Runs", _tell_runs(fleet)),
    ]


def _join(counts: Mapping[str, int], nothing: str = NO_DATA) -> str:
    told = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in told) or nothing


def _ago(moment: datetime, now: datetime) -> str:
    hours = (now - moment).total_seconds() / 3600
    return f"{hours / 24:.1f} days ago" if hours >= 48 else f"{hours:.1f} hours ago"


def _tell_models(fleet: FleetOverview, now: datetime) -> str:
    if fleet.oldest_active_trained_at is None:
        eta = fleet.next_trainable_at
        return f"none yet; the first can be trained from {eta:%Y-%m-%d %H:%M}Z" if eta else "none yet"
    return f"the oldest in use was trained {_ago(fleet.oldest_active_trained_at, now)}"


def _tell_scoring(fleet: FleetOverview, now: datetime) -> str:
    if fleet.newest_watermark is None:
        return NO_DATA
    return f"{fleet.readings_scored:,} readings in 24 h; the newest is {_ago(fleet.newest_watermark, now)}"


def _tell_alarms(fleet: FleetOverview) -> str:
    if not fleet.readings_scored:
        return NO_DATA
    expected = NO_DATA if fleet.expected_alarms is None else f"{fleet.expected_alarms:.1f}"
    return (
        f"{fleet.anomalies} anomalous readings in 24 h (expected of normal ones: {expected}); "
        f"{fleet.open_episodes} episodes open"
    )


def _tell_latency(fleet: FleetOverview) -> str:
    if not fleet.latency_buckets:
        return NO_DATA
    bounds = {name: latency_quantile_ms(fleet.latency_buckets, share) for name, share in _QUANTILES.items()}
    return "a scoring call took " + ", ".join(
        f"over {LATENCY_BOUNDS_MS[-1]:g} ms ({name})" if bound == inf else f"at most {bound:g} ms ({name})"
        for name, bound in bounds.items()
        if bound is not None
    )


def _tell_runs(fleet: FleetOverview) -> str:
    told = [
        f"{task.removeprefix('ml_')} {outcome} {slot:%m-%d %H:%M}Z"
        for task, (slot, outcome) in sorted(fleet.latest_runs.items())
    ]
    return ", ".join(told) or "none yet; `ml-health scheduler` or the host starts them"
