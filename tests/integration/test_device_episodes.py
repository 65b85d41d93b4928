"""A device with four metrics that share one swing, scored by the task: one episode, one alert, one judgement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from benchmarks.quality.simulated_device import ONSET, STEP, Fault, simulate
from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.bootstrap import Platform
from ml_core.domain.policies import DevicePolicy
from ml_core.domain.series import FIXED_TENANT
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task
from ml_core.errors import DatabaseUnavailableError
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import killed_at

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


def test_the_words_appear_where_people_look(site: Site) -> None:
    """In the explanation of an anomaly, with its alerts and figures, and in the views."""
    site.send("shift")
    site.train()
    site.score(-1)
    site.score(13)
    ((anomaly,),) = site.rows(
        "SELECT detection_id FROM grafana.anomaly WHERE metric = 'm0' ORDER BY \"timestamp\" DESC LIMIT 1"
    )

    (step,) = (it for it in site.platform.explainer.explain(str(anomaly)).steps if "other metrics" in it.what)
    assert step.outcome == "sensor"
    assert step.why.endswith("suspect the sensor")
    assert {it["metric"] for it in step.figures["agreeing"]} == {"m1", "m2", "m3"}
    assert any(it.what == "alert: opened" for it in site.platform.explainer.explain(str(anomaly)).steps)
    words = site.rows("SELECT device_words FROM grafana.episode WHERE device_judgement = 'sensor'")
    assert words == site.rows("SELECT words FROM grafana.device_episode WHERE suspect = 'm0'") == [(step.why,)]
    told = site.rows("SELECT explanation FROM grafana.explanation WHERE step = 5 AND verdict = 'sensor'")
    assert all(step.why in line for (line,) in told)
    assert told


def test_without_grouping_each_metric_tells_its_own(database: Database, settings: Settings) -> None:
    """As it was before: an alert a metric, no judgement."""
    with closing(Site(database, replace(settings, devices=OFF))) as site:
        site.send("machine")
        site.train()
        site.score(-1)
        site.score(1)

        assert site.devices() == []
        assert sorted(line["metric"] for line in site.told()) == ["m0", "m1", "m2", "m3"]
        assert all("device_episode" not in line for line in site.told())


def test_a_pattern_keeps_a_metric_out(database: Database, settings: Settings) -> None:
    """It tells its own alerts; its readings still bear witness."""
    policy = DevicePolicy(group_by_pattern={"PUMP-*:m3": False})
    with closing(Site(database, replace(settings, devices=policy))) as site:
        site.send("machine")
        site.train()
        site.score(-1)
        site.score(1)

        ((metrics, judgement, _, _),) = site.devices()
        assert (sorted(metrics), judgement) == (["m0", "m1", "m2"], "machine")
        assert sorted(line["metric"] for line in site.told() if "device_episode" not in line) == ["m3"]


def test_what_stopped_the_watch_loses_nothing(site: Site) -> None:
    """The episode is stored, the run fails; the next one tells it and judges it."""
    site.send("machine")
    site.train()
    site.score(-1)
    with killed_at(site.database, "device_episode"), pytest.raises(DatabaseUnavailableError):
        site.score(1)
    assert site.devices() == []
    assert site.rows("SELECT count(*) >= 4 FROM ml_health.episode WHERE by_device AND device_episode_id IS NULL") == [
        (True,)
    ]

    site.score(2)
    ((metrics, judgement, _, _),) = site.devices()
    assert (len(metrics), judgement) == (4, "machine")
    assert len(site.told()) == 1


def test_readings_that_cannot_be_had_leave_the_alert_standing(site: Site) -> None:
    """The judgement fails, its cause is logged, and people are told all the same."""
    site.send("machine")
    site.train()
    site.score(-1)
    run_task(site.platform, "ml_score", now=ONSET + STEP, dry_run=True)
    scored = site.platform.telemetry

    class Unreadable:
        """A relation that answers scoring, and fails when it is asked for the days before."""

        def fetch(self, windows: Any) -> Any:
            """The windows of scoring begin lately."""
            if any(window.after < ONSET - timedelta(days=2) for window in windows):
                raise RuntimeError("the archive is not mounted")
            return scored.fetch(windows)

    site.platform.__dict__["telemetry"] = Unreadable()
    site.score(1)
    (alert,) = site.told()
    assert alert["device_episode"]["judgement"] == "unknown"
    assert alert["device_episode"]["words"].startswith("it could not be judged")

    site.platform.__dict__["telemetry"] = scored
    site.score(2)
    assert site.devices()[0][1] == "machine"


def test_everything_in_one_run_comes_to_the_same(site: Site) -> None:
    """After a day without scoring: what overlapped is one episode, judged as it would have been."""
    site.send("machine", after=100)
    site.train()
    site.score(100)

    metrics, judgement, _, _ = site.devices()[0]
    assert (len(metrics), judgement) == (4, "machine")
    assert site.rows("SELECT count(*) FROM ml_health.episode WHERE by_device AND device_episode_id IS NULL") == [(0,)]
    assert [line["event"] for line in site.told()][:1] in (["opened"], ["closed"])


def test_a_device_that_cannot_be_stored_waits_alone(site: Site) -> None:
    """The store refuses one device's row; the other's is written and told, and the run says so."""
    for device, seed in (("PUMP-1", 1), ("PUMP-2", 2)):
        site.send("machine", seed=seed, device=device)
    site.train()
    site.score(-1)
    with site.database.transaction() as cur:
        cur.execute(
            "ALTER TABLE ml_health.device_episode ADD CONSTRAINT no_one CHECK (device_id <> 'PUMP-1') NOT VALID"
        )
    result = run_task(site.platform, "ml_score", now=ONSET + STEP)

    assert (result.outcome, result.counts["device_episodes_failed"]) == (Outcome.PARTIAL, 1)
    assert {line["device"] for line in site.told()} == {"PUMP-2"}
    with site.database.transaction() as cur:
        cur.execute("ALTER TABLE ml_health.device_episode DROP CONSTRAINT no_one")
    site.score(2)
    assert {line["device"] for line in site.told()} == {"PUMP-1", "PUMP-2"}
