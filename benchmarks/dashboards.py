"""Every query of every dashboard and alert, as Grafana's login, on a large fleet: `python -m benchmarks.dashboards`."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.large_fleet import FleetSize, add_large_fleet
from benchmarks.machine import describe_machine
from benchmarks.results_file import RESULTS, write_results
from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.grafana.reader import PostgresReaderAccess
from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from tests.grafana.macro_expander import Viewer

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SIZE = FleetSize(series=2000, detections=5_000_000, months=8, rollup_days=35)
RANGE = timedelta(days=7)
LIMIT_MS = 1000.0
ROUNDS = 3
CHOSEN = {
    "device_tenant": ("00000000-0000-0000-0000-000000000000",),
    "device": ("DEVICE-00007",),
    "metric": ("pressure",),
}
READER = "bench_reader"
WIDTH = 150


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query and how it is looked at."""

    place: str
    sql: str
    viewer: Viewer


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one query took."""

    place: str
    milliseconds: float
    rows: int
    partitions: int
    """Partitions of the anomaly log that its plan reads."""


def list_queries(*, newest_run: str) -> Iterator[Query]:
    """Every panel, variable, annotation and alert rule at a range of seven days with everything chosen."""
    folder = files("ml_core.grafana")
    for entry in sorted(folder.joinpath("json").iterdir(), key=lambda entry: entry.name):
        board = json.loads(entry.read_text(encoding="utf-8"))
        chosen = CHOSEN if board["uid"] == "mlh-device" else {"run": (newest_run,)}
        viewer = Viewer(start=NOW - RANGE, end=NOW, chosen=chosen)
        for place, sql in _board_queries(board):
            yield Query(place=f"{board['uid']} {place}", sql=sql, viewer=viewer)
    rules = yaml.safe_load(folder.joinpath("provisioning/alerting/rules.yaml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        question = rule["data"][0]
        window = timedelta(seconds=question["relativeTimeRange"]["from"])
        viewer = Viewer(start=NOW - window, end=NOW, chosen={})
        yield Query(place=f"alert {rule['uid']}", sql=question["model"]["rawSql"], viewer=viewer)


def _board_queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield (
                f"panel {panel['title']}" + ("" if target["refId"] == "A" else f" {target['refId']}"),
                target["rawSql"],
            )
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]
    for note in board.get("annotations", {}).get("list", []):
        yield f"annotation {note['name']}", note["target"]["rawSql"]


def all_values() -> dict[str, str]:
    """What each variable stands for when everything is chosen."""
    boards = [json.loads(entry.read_text("utf-8")) for entry in files("ml_core.grafana").joinpath("json").iterdir()]
    variables = [variable for board in boards for variable in board["templating"]["list"]]
    return {variable["name"]: variable["allValue"] for variable in variables if "allValue" in variable}


def measure(reader: Database, query: Query, *, rounds: int = ROUNDS) -> Timing:
    """The median of some calls, rows fetched, and the partitions in its plan."""
    sql = query.viewer.expand(query.sql, all_values())
    times, rows = [], 0
    for _ in range(rounds):
        with reader.transaction() as cur:
            started = time.perf_counter()
            cur.execute(sql)
            rows = len(cur.fetchall())
            times.append((time.perf_counter() - started) * 1000)
    return Timing(
        place=query.place,
        milliseconds=round(statistics.median(times), 1),
        rows=rows,
        partitions=len(partitions_read(reader, sql)),
    )


def partitions_read(reader: Database, sql: str) -> set[str]:
    """Partitions of the anomaly log that the plan of a query really reads."""
    with reader.transaction() as cur:
        cur.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        ((plan,),) = cur.fetchall()
    return {name for name in _relations(plan[0]["Plan"]) if name.startswith("anomaly_detections_")}


def _relations(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node:
        yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _relations(child)


@contextmanager
def large_database(size: FleetSize, console: Console) -> Iterator[Database]:
    """A migrated database of its own server with that fleet, seen by Grafana's login; removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="ml-health-bench-"))
    server = EmbeddedPostgres(home, durable=False)
    try:
        with closing(Database(server.start())) as database:
            Migrator(database).apply()
            add_large_fleet(database, size, now=NOW, told=lambda name: console.print(f"  {name}"))
            assert PostgresReaderAccess(database).create(READER, "bench") is None
        address = server.url().split("@", 1)[1]
        with closing(Database(f"postgresql://{READER}:bench@{address}")) as reader:
            yield reader
    finally:
        server.stop()
        # The whole fleet takes four gigabytes.
        shutil.rmtree(home)


def newest_run(reader: Database) -> str:
    """The run that the drop-down would show."""
    with reader.transaction() as cur:
        cur.execute("SELECT run_id::text FROM grafana.run WHERE task = 'ml_retrain' ORDER BY slot DESC LIMIT 1")
        ((run,),) = cur.fetchall()
    return str(run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the figures; 1 where a query takes a second or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=SIZE.series)
    parser.add_argument("--detections", type=int, default=SIZE.detections)
    given = parser.parse_args(arguments)
    size = FleetSize(series=given.series, detections=given.detections, months=SIZE.months, rollup_days=SIZE.rollup_days)
    console = Console(width=WIDTH, highlight=False)
    console.print(f"{size.series:,} series, {size.detections:,} detections in {size.months} partitions are made")
    with large_database(size, console) as reader:
        timings = [measure(reader, query) for query in list_queries(newest_run=newest_run(reader))]
    timings.sort(key=lambda timing: -timing.milliseconds)
    _print(timings, console)
    document = {
        "size": asdict(size),
        "range_days": RANGE.days,
        "machine": describe_machine(),
        "queries": [asdict(timing) for timing in timings],
    }
    write_results(RESULTS / "dashboards.json", document)
    return 1 if timings[0].milliseconds >= LIMIT_MS else 0


def _print(timings: Sequence[Timing], console: Console) -> None:
    table = Table("query (7 days)", "ms", "rows", "partitions read", title="Queries of dashboards and alerts")
    for timing in timings:
        figures = (f"{timing.milliseconds:,.1f}", f"{timing.rows:,}", str(timing.partitions))
        table.add_row(timing.place, *figures)
    console.print(table)


if __name__ == "__main__":
    raise SystemExit(main())
