"""On a fleet with months of anomalies every query reads the partitions of its time range and no other."""

import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.dashboards import (
    NOW,
    FleetSize,
    Timing,
    large_database,
    list_queries,
    measure,
    newest_run,
    partitions_read,
)
from benchmarks.large_fleet import add_large_fleet
from ml_core.adapters.postgres.database import Database

SMALL = FleetSize(series=100, detections=40_000, months=8, rollup_days=14)
EMPTY_WHERE_ALL_IS_MODELLED = {"mlh-models panel Series without a model"}


@pytest.fixture
def timings(database: Database, reader: Database) -> dict[str, Timing]:
    """Every query of dashboards and alerts, asked once as Grafana's login, over a week."""
    add_large_fleet(database, SMALL, now=NOW)
    queries = list_queries(newest_run=newest_run(reader))
    return {query.place: measure(reader, query, rounds=1) for query in queries}


def test_a_week_reads_the_month_that_it_lies_in(timings: dict[str, Timing], reader: Database) -> None:
    """Eight months are there; whoever asks for anomalies of a week opens one, and every query has its answer."""
    asking = {place: timing.partitions for place, timing in timings.items() if timing.partitions}

    assert {place: read for place, read in asking.items() if read != 1} == {}
    assert {
        "mlh-device panel Anomalies",
        "mlh-device panel Why did it decide this?",
        "mlh-quality panel Review queue",
        "mlh-quality panel To review, the most severe first",
    } <= set(asking)
    empty = {place for place, timing in timings.items() if timing.rows == 0}
    assert empty == EMPTY_WHERE_ALL_IS_MODELLED, "no rows, nothing measured: give it some in benchmarks/large_fleet.sql"
    assert len(partitions_read(reader, "SELECT count(*) FROM grafana.anomaly")) >= SMALL.months


def test_a_measured_fleet_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of a whole fleet takes gigabytes: it is gone afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    few = FleetSize(series=4, detections=400, months=1, rollup_days=1)
    with large_database(few, Console(quiet=True)):
        assert list(tmp_path.iterdir()) != []

    assert list(tmp_path.iterdir()) == []
