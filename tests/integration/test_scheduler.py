"""The embedded scheduler: due-ness from the run table, children with a deadline."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from ml_core.bootstrap import Platform
from ml_core.domain.schedule import latest_slot
from ml_core.domain.task import Outcome
from ml_core.entrypoints import child
from ml_core.entrypoints.child import ChildEnd, run_in_child
from ml_core.entrypoints.due import find_due_slot
from ml_core.entrypoints.runner import run_task
from ml_core.entrypoints.scheduler import make_scheduler, run_if_due, tell_plan
from ml_core.manifest import load_manifest
from ml_core.settings import Settings, load_settings

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for this process and its children."""
    monkeypatch.setenv("ML_HEALTH_HOME", str(tmp_path))
    monkeypatch.setenv("ML_HEALTH_DATABASE_URL", database_url)
    monkeypatch.setenv("ML_HEALTH_SCHEDULER__POLL_S", "0.2")
    return load_settings()


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The platform of those settings."""
    with closing(Platform(settings)) as opened:
        yield opened


def test_a_child_runs_a_slot_and_answers_its_result(settings: Settings, platform: Platform) -> None:
    """The run is in the table, and its JSON reaches the parent."""
    slot = datetime(2026, 5, 4, 4, 30, tzinfo=UTC)

    end = run_in_child("ml_purge", slot=slot, now=NOW, timeout_s=60)

    run = platform.runs.find("ml_purge", slot)
    assert end.exit_code == 0
    assert end.result is not None
    assert end.result["outcome"] == "succeeded"
    assert run is not None
    assert run.outcome is Outcome.SUCCEEDED


def test_a_child_over_its_deadline_is_ended_and_its_slot_can_be_run_again(
    settings: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hung task does not block its successor: stopped, then killed, and the slot is taken over."""
    slot = datetime(2026, 5, 4, 4, 30, tzinfo=UTC)
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    with platform.store.dedicated_connection() as blocker:
        # Somebody holds the run table, so that the child hangs in the database as a real one would.
        with blocker.cursor() as cur:
            cur.execute("BEGIN; LOCK TABLE ml_health.run IN ACCESS EXCLUSIVE MODE")
        end = run_in_child("ml_purge", slot=slot, now=NOW, timeout_s=3)
        with blocker.cursor() as cur:
            cur.execute("ROLLBACK")

    again = run_task(platform, "ml_purge", now=NOW, slot=slot)

    assert end.timed_out
    assert end.result is None
    assert again.outcome is Outcome.SUCCEEDED


def test_the_scheduler_runs_each_due_task_once(settings: Settings, platform: Platform) -> None:
    """However often it wakes, a slot runs once; three days of downtime are one run a task."""
    calls: list[str] = []

    def run_child(task: str, *, slot: datetime, now: datetime | None, timeout_s: float) -> ChildEnd:
        calls.append(task)
        with closing(Platform(settings)) as own:
            own.runs.finish(
                own.runs.begin(task, slot, at=datetime.now(UTC), max_attempts=1, params={}),  # type: ignore[arg-type]
                Outcome.SUCCEEDED,
                at=datetime.now(UTC),
                reason=None,
                counts={},
                duration_ms=1.0,
            )
        return ChildEnd(exit_code=0, result={"outcome": "succeeded"})

    scheduler = make_scheduler(settings, kind=BackgroundScheduler, run_child=run_child)
    scheduler.start()
    deadline = time.monotonic() + 60
    expected = {
        spec.task_id
        for spec in load_manifest().tasks
        if datetime.now(UTC) - latest_slot(spec.schedule, datetime.now(UTC)) > timedelta(seconds=spec.jitter_s)
    }
    while not expected <= set(calls) and time.monotonic() < deadline:
        time.sleep(0.1)
    scheduler.shutdown(wait=True)

    assert expected <= set(calls)
    assert len(calls) == len(set(calls)) or "ml_score" in calls[1:]


def test_the_plan_is_told_task_by_task(settings: Settings, platform: Platform) -> None:
    """Whoever starts the scheduler sees at once what runs now and when the rest does."""
    run_task(platform, "ml_purge", now=NOW)

    lines = {line.split(":")[0]: line for line in tell_plan(platform, NOW + timedelta(minutes=2))}

    assert list(lines) == [spec.task_id for spec in load_manifest().tasks]
    assert lines["ml_score"].startswith("ml_score: now, then at '*/5 * * * *' UTC")
    assert lines["ml_purge"].startswith("ml_purge: 2026-05-05 04:30Z")


def test_a_task_waits_for_those_it_depends_on(settings: Settings, platform: Platform) -> None:
    """The daily check comes after scoring, and no longer waits once scoring has run."""
    check = load_manifest().task("ml_health_check")

    assert find_due_slot(platform, check, NOW, jitter=False) is None

    run_task(platform, "ml_score", now=NOW)

    assert find_due_slot(platform, check, NOW, jitter=False) == datetime(2026, 5, 4, 2, tzinfo=UTC)


def test_a_task_waits_while_one_it_depends_on_is_under_way(settings: Settings, platform: Platform) -> None:
    """Scoring that has just begun is not due again, and yet the daily check does not overtake it."""
    tasks = {spec.task_id: spec for spec in load_manifest().tasks}
    platform.runs.begin("ml_score", latest_slot(tasks["ml_score"].schedule, NOW), at=NOW, max_attempts=3, params={})

    assert find_due_slot(platform, tasks["ml_score"], NOW, jitter=False) is None
    assert find_due_slot(platform, tasks["ml_health_check"], NOW, jitter=False) is None


def test_an_unreachable_database_is_said_and_the_scheduler_lives_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The next poll tries again; nothing raises out of the job."""
    settings = load_settings(
        {"ML_HEALTH_HOME": str(tmp_path), "ML_HEALTH_DATABASE_URL": "postgresql://me:pw@127.0.0.1:9/db"}
    )

    end = run_if_due(settings, load_manifest().task("ml_score"), run_in_child)

    assert end is None
    assert "127.0.0.1:9/db" in caplog.text


def test_a_child_that_prints_no_json_is_no_result(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that dies before its result is told by its exit code."""
    monkeypatch.setenv("ML_HEALTH_NOT_A_SETTING", "1")

    end = run_in_child("ml_purge", slot=NOW, now=NOW, timeout_s=60)

    assert (end.exit_code, end.result, end.timed_out) == (64, None, False)
    assert json.dumps(os.environ["ML_HEALTH_NOT_A_SETTING"])
