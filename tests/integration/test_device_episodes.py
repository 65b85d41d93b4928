"""A device with four metrics that share one swing, scored by the task: one episode, one alert, one judgement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from ml_core.adapters.postgres import Database, copy_rows
from ml_core.bootstrap import Platform
from ml_core.domain.policies import DevicePolicy
from ml_core.domain.series import FIXED_TENANT
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings
from tests.unit.simulated_device import ONSET, STEP, Fault, simulate

BEFORE = 2000
TRAINED = ONSET - 200 * STEP
"""When the first models are made; what follows is scored."""
OFF = DevicePolicy(group_metrics=False)


class Site:
    """A platform with one device."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.platform = Platform(settings)
        self.home = settings.home

    def close(self) -> None:
        """End its sessions."""
        self.platform.close()

    def send(self, fault: Fault, *, seed: int = 1, after: int = 60, device: str = "PUMP-1") -> None:
        """All readings, with the fault at ONSET."""
        rows = [
            (FIXED_TENANT, device, metric, stamp, float(value))
            for metric, readings in simulate(fault, seed=seed, after=after, before=BEFORE).items()
            for stamp, value in zip(readings.timestamps, readings.values, strict=True)
        ]
        names = ["tenant_id", "device_id", "metric_name", "timestamp", "value"]
        with self.database.transaction() as cur:
            copy_rows(cur, sql.Identifier("ml_health", "telemetry"), names, rows)

    def train(self) -> None:
        """First models, of what was read until then."""
        assert run_task(self.platform, "ml_discover", now=TRAINED).outcome is Outcome.SUCCEEDED

    def score(self, cells: float) -> dict[str, Any]:
        """A run so many cells after the onset; its counts."""
        result = run_task(self.platform, "ml_score", now=ONSET + cells * STEP)
        assert result.outcome is Outcome.SUCCEEDED, result
        return dict(result.counts)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self.database.transaction() as cur:
            cur.execute(query)
            return cur.fetchall()

    def devices(self) -> list[tuple[Any, ...]]:
        """Metrics, judgement, suspect and whether it is over, of those that began at the onset or after it."""
        return self.rows(
            "SELECT metrics, judgement, suspect, closed_at IS NOT NULL FROM ml_health.device_episode "
            f"WHERE opened_at >= '{ONSET - 2 * STEP:%Y-%m-%d %H:%M}Z' ORDER BY opened_at"
        )

    def told(self) -> list[dict[str, Any]]:
        """Lines of the alert file about what began at the onset or after it."""
        path = self.home / "alerts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["opened_at"] >= (ONSET - 2 * STEP).isoformat()]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """A site with a fresh database and a home of its own."""
    return Settings(home=tmp_path, database=DatabaseSettings(url=database_url))


@pytest.fixture
def site(database: Database, settings: Settings) -> Iterator[Site]:
    """Nothing read yet."""
    with closing(Site(database, settings)) as opened:
        yield opened


def test_a_change_of_the_machine_is_one_episode_and_one_alert(site: Site) -> None:
    """All four metrics jump: they are told together, as the machine's."""
    site.send("machine")
    site.train()
    site.score(-1)
    site.score(1)

    ((metrics, judgement, suspect, is_over),) = site.devices()
    assert (judgement, suspect, is_over) == ("machine", None, False)
    assert sorted(metrics) == ["m0", "m1", "m2", "m3"]
    (alert,) = site.told()
    assert alert["event"] == "opened"
    assert alert["device_episode"]["judgement"] == "machine"
    assert alert["device_episode"]["words"].endswith("a change of the machine")
    assert sorted(alert["device_episode"]["metrics"]) == ["m0", "m1", "m2", "m3"]


def test_a_shifted_sensor_is_named(site: Site) -> None:
    """One of four leaves the others: its sensor is suspected, in the first alert already."""
    site.send("shift")
    site.train()
    site.score(-1)
    for cell in range(1, 31, 3):
        site.score(cell)

    ((metrics, judgement, suspect, _),) = site.devices()
    assert (metrics, judgement, suspect) == (["m0"], "sensor", "m0")
    assert [line["event"] for line in site.told()][:1] == ["opened"]
    assert site.told()[0]["device_episode"]["suspect"] == "m0"
    assert site.told()[0]["device_episode"]["words"].endswith("did not: suspect the sensor")
    ((evidence,),) = site.rows("SELECT evidence FROM ml_health.device_episode ORDER BY opened_at DESC LIMIT 1")
    assert {agreement["metric"] for agreement in evidence["agreeing"]} == {"m1", "m2", "m3"}
