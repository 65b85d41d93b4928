"""A series whose training kills the process, in real processes on real PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from ml_core.adapters.postgres.database import Database
from tests.integration.trained_site import NOW, healthy, write_readings

DEADLINE_S = 60.0


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One attempt of discovery's slot, as a host or the scheduler starts it; it trains in its own process."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)
    return [sys.executable, "-m", "ml_core.entrypoints.cli", "run", "ml_discover", "--json", "--now", NOW.isoformat()]


def items(database: Database) -> dict[str, tuple[str, str | None]]:
    """What the run log says of each device."""
    with database.transaction() as cur:
        cur.execute(
            "SELECT device_id, outcome, reason FROM ml_health.run_item JOIN ml_health.series ON series.id = series_id"
        )
        return {device: (outcome, reason) for device, outcome, reason in cur.fetchall()}


def kill_in_mid_batch(command: list[str], database: Database, url: str) -> None:
    """An attempt that ends as the kernel ends it when memory runs out, before anything of its batch is stored."""
    with closing(Database(url)) as holder, holder.transaction() as cur:
        cur.execute("LOCK TABLE public.ml_models IN SHARE ROW EXCLUSIVE MODE")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as attempt:
            end = time.monotonic() + DEADLINE_S
            while not items(database):
                assert time.monotonic() < end, "nothing was begun"
                time.sleep(0.05)
            attempt.kill()


def kill_first_worker(attempt: psutil.Process) -> None:
    """End the first worker process that fits a suspect."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        for child in attempt.children(recursive=True):
            if any("LokyProcess" in word for word in child.cmdline()):
                child.kill()
                return
        time.sleep(0.02)
    pytest.fail("the suspect was not fitted in a worker")


def test_series_that_kills_its_process_fails_alone(command: list[str], database: Database, database_url: str) -> None:
    """After an attempt that died, the next one fits what it was at in a worker: the culprit fails, others go on."""
    write_readings(database, "A", healthy(500), until=NOW)
    write_readings(database, "B", healthy(500), until=NOW)

    kill_in_mid_batch(command, database, database_url)
    left = items(database)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attempt:
        kill_first_worker(psutil.Process(attempt.pid))
        printed, _ = attempt.communicate(timeout=DEADLINE_S)

    assert left == {"A": ("started", None), "B": ("started", None)}
    assert json.loads(printed)["outcome"] == "partial"
    assert items(database)["A"] == ("failed", "the process that trained it died")
    assert items(database)["B"][0] == "succeeded"
