"""SIGKILL at named points of a retrain, in real processes on real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import NOW, TEN_MINUTES, discover, healthy, only_record, write_readings

LEARNED, WEEK = 4000, 1008
LATER = NOW + timedelta(days=7)
RETRAIN = ["run", "ml_retrain"]
ACCEPT = ["accept-drift", "PUMP-1:flow", "--reason", "new impeller"]
STORE = "ml_core.adapters.artifacts.artifact_store:FsspecArtifactStore"
FOLDER = "ml_core.adapters.artifacts.artifact_folder:LocalFolder"
REGISTRY = "ml_core.adapters.ledgers.model_registry:PostgresModelRegistry"
SCORING = "ml_core.adapters.ledgers.scoring_log:PostgresScoringLog"
GOLD = "ml_core.adapters.ledgers.gold_windows:PostgresGoldWindows"
PROMOTION = "ml_core.services.training.promotion:Promotion"
RUN = "ml_core.services.runs:RunRecorder"
# The real command; the named method of a class ends its process, the `nth` time that it is entered or left.
KILLED = """
import importlib, os, signal, sys
place, name, when, nth, *arguments = sys.argv[1:]
module, kind = place.split(":")
owner = getattr(importlib.import_module(module), kind)
method, left = getattr(owner, name), int(nth)
def end():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def watched(*args, **kwargs):
    if when == "before":
        end()
    answer = method(*args, **kwargs)
    if when == "after":
        end()
    return answer
setattr(owner, name, watched)
from ml_core.entrypoints.cli import main
sys.argv[1:] = arguments
main()
"""


@pytest.fixture
def platform(
    database_url: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    """A site whose one model of a week is due, with the environment that a command of it needs."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)
    values = healthy(LEARNED + WEEK)
    with closing(Platform(Settings(home=tmp_path, database=DatabaseSettings(url=database_url)))) as opened:
        write_readings(database, "PUMP-1", values[:LEARNED], until=NOW)
        discover(opened)
        write_readings(database, "PUMP-1", values[LEARNED:], until=NOW + WEEK * TEN_MINUTES)
        yield opened


def serving(platform: Platform) -> ModelVersion:
    """The one active version, which scoring and gold must agree with as far as they name one."""
    (version,) = platform.models.list_versions(statuses=[ModelStatus.ACTIVE])
    series_id = only_record(platform).series_id
    assert platform.scoring.load([series_id])[series_id].model_id == version.model_id
    platform.artifacts.read(version.artifact_sha256 or "")
    return version


def gold_owner(database: Database) -> str:
    """Whose gold window the series has."""
    with database.transaction() as cur:
        cur.execute("SELECT m.version FROM ml_health.gold_window g JOIN ml_models m ON m.id = g.model_id")
        ((version,),) = cur.fetchall()
    return str(version)


@pytest.mark.parametrize(
    ("command", "place", "method", "when", "nth", "serves"),
    [
        (RETRAIN, STORE, "write", "before", 2, 1),
        (RETRAIN, FOLDER, "move", "before", 2, 1),
        (RETRAIN, FOLDER, "move", "after", 2, 1),
        (RETRAIN, REGISTRY, "add", "after", 1, 1),
        (RETRAIN, PROMOTION, "settle", "after", 1, 1),
        (RETRAIN, SCORING, "begin", "after", 1, 1),
        (RETRAIN, REGISTRY, "promote", "after", 1, 1),
        (RETRAIN, PROMOTION, "promote", "after", 1, 2),
        (RETRAIN, RUN, "record", "after", 2, 2),
        (ACCEPT, REGISTRY, "promote", "after", 1, 1),
        (ACCEPT, GOLD, "rebase", "after", 1, 1),
        (ACCEPT, PROMOTION, "promote", "after", 1, 2),
    ],
)
def test_kill_leaves_one_whole_model(
    platform: Platform,
    database: Database,
    command: list[str],
    place: str,
    method: str,
    when: str,
    nth: int,
    serves: int,
) -> None:
    """The old model or the new one serves, with its scoring and gold, and the next attempt ends what was begun."""
    arguments = [*command, "--now", LATER.isoformat()]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, place, method, when, str(nth), *arguments], capture_output=True, check=False
    )
    left, gold = serving(platform).version, gold_owner(database)
    again = subprocess.run(
        [sys.executable, "-m", "ml_core.entrypoints.cli", *arguments], capture_output=True, text=True, check=False
    )

    assert killed.returncode == -9, killed.stderr
    assert left == serves
    assert gold == str(serves if command is ACCEPT else 1)
    # What was accepted before the kill leaves nothing to accept, and the command says so.
    assert again.returncode == (1 if command is ACCEPT and serves == 2 else 0), again.stdout + again.stderr
    assert serving(platform).version > 1
    assert platform.models.list_versions(statuses=[ModelStatus.CANDIDATE]) == []
