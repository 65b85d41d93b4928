"""What a person may override: refusals that go on for weeks, and pins that nothing replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.task import Outcome, TaskResult
from ml_core.entrypoints.accept_drift_command import accept_drift_command
from ml_core.entrypoints.pin_command import pin_command, unpin_command
from ml_core.entrypoints.runner import run_task
from ml_core.errors import ConfigurationError
from ml_core.settings import DatabaseSettings, Settings
from tests.integration.trained_site import (
    NOW,
    TEN_MINUTES,
    discover,
    healthy,
    only_record,
    open_finding,
    retrain,
    write_readings,
)

DAY = timedelta(days=1)
PER_DAY = 144
LEARNED = 4000
READINGS = healthy(LEARNED + 30 * PER_DAY)
SERIES = "PUMP-1:flow"


@pytest.fixture
def platform(database_url: str, database: Database, tmp_path: Path) -> Iterator[Platform]:
    """A site a moment after the first model of its one healthy series."""
    with closing(Platform(Settings(home=tmp_path, database=DatabaseSettings(url=database_url)))) as opened:
        write_readings(database, "PUMP-1", READINGS[:LEARNED], until=NOW)
        discover(opened)
        yield opened


def go_on(database: Database, days: float, *, shift: float = 0.0) -> datetime:
    """Readings that follow on those of the first training, moved by `shift`; the moment of the last one."""
    values: NDArray[np.float64] = READINGS[LEARNED : LEARNED + int(days * PER_DAY)] + shift
    until = NOW + len(values) * TEN_MINUTES
    write_readings(database, "PUMP-1", values, until=until)
    return until


def accept(platform: Platform, now: datetime, *, since: datetime | None = None, **kwargs: Any) -> TaskResult:
    """As the command does."""
    params = {"series": SERIES, "accepted_by": "anna", "reason": "new impeller"}
    if since is not None:
        params["since"] = since.isoformat()
    return run_task(platform, "ml_retrain", now=now, params=params, **kwargs)


def active(platform: Platform) -> ModelVersion:
    """The champion."""
    (version,) = platform.models.list_versions(statuses=[ModelStatus.ACTIVE])
    return version


def refusal(platform: Platform, now: datetime) -> Finding | None:
    """The open finding about refused retraining."""
    return next((f for f in platform.findings.list_open(now=now) if f.check == "retrain_rejected"), None)


def last_event(database: Database) -> tuple[str, str | None, str | None, dict[str, Any]]:
    """The newest event with its cause, reason and evidence."""
    with database.transaction() as cur:
        cur.execute("SELECT event, cause, reason, evidence FROM ml_health.model_event ORDER BY id DESC LIMIT 1")
        row = cur.fetchone()
    assert row is not None
    told: tuple[str, str | None, str | None, dict[str, Any]] = row
    return told


def test_refusal_of_two_weeks_becomes_a_persons(platform: Platform, database: Database) -> None:
    """It warns at first; after two weeks it is critical, says how long and names the command that overrides."""
    go_on(database, 25, shift=9.0)

    retrain(platform, NOW + 7 * DAY)
    first = refusal(platform, NOW + 7 * DAY)
    retrain(platform, NOW + 20 * DAY)
    young = refusal(platform, NOW + 20 * DAY)
    retrain(platform, NOW + 21 * DAY)
    old = refusal(platform, NOW + 21 * DAY)

    assert first is not None
    assert young is not None
    assert old is not None
    assert [finding.severity for finding in (first, young, old)] == ["warning", "warning", "critical"]
    assert "refused for 14 days" in old.message
    assert "G3 no drift from gold" in old.message
    assert f"ml-health accept-drift {SERIES}" in old.message


def test_accepted_drift_is_the_new_normal(platform: Platform, database: Database) -> None:
    """Trained on what came since, gold rebased, the refusal and the drift resolved, and who said so is kept."""
    until = go_on(database, 9, shift=9.0)
    retrain(platform, NOW + 7 * DAY)
    series_id = only_record(platform).series_id

    result = accept(platform, until)

    event, cause, reason, evidence = last_event(database)
    champion = active(platform)
    assert (result.outcome, result.counts["promoted"]) == (Outcome.SUCCEEDED, 1)
    assert (champion.cause, champion.training_from) == ("person", NOW + TEN_MINUTES)
    assert platform.gold.load([series_id])[series_id].values.mean() > 55
    assert (event, cause) == ("promoted", "person")
    assert str(reason).startswith("accepted by anna: new impeller; passed")
    assert evidence["accepted"] == {"by": "anna", "reason": "new impeller"}
    assert refusal(platform, until) is None


def test_accepted_drift_begins_where_drift_was_found(platform: Platform, database: Database) -> None:
    """Where drift is told, what came before it is not learned, and a challenger on trial is overtaken."""
    until = go_on(database, 9, shift=4.0)
    open_finding(database, platform, "drift", at=NOW + 3 * DAY)
    retrain(platform, NOW + 5 * DAY)

    accept(platform, until)

    statuses = [version.status for version in platform.models.list_versions()]
    assert statuses == [ModelStatus.RETIRED, ModelStatus.REJECTED, ModelStatus.ACTIVE]
    training_from = active(platform).training_from
    assert training_from is not None
    assert NOW + 2 * DAY <= training_from <= NOW + 2 * DAY + TEN_MINUTES


def test_accepted_regime_may_lie_outside_of_the_former_range(platform: Platform, database: Database) -> None:
    """A sensor finding bars nothing that a person has accepted."""
    until = go_on(database, 5, shift=40.0)
    open_finding(database, platform, "out_of_range", at=NOW + DAY, since=NOW)

    assert accept(platform, until).counts["promoted"] == 1


def test_person_says_since_when(platform: Platform, database: Database) -> None:
    """Days of a fault that is mended meanwhile stay out, and a moment that is none is refused."""
    until = go_on(database, 9, shift=9.0)
    params = {"series": SERIES, "accepted_by": "anna", "since": (NOW + 4 * DAY).isoformat()}

    result = run_task(platform, "ml_retrain", now=until, params=params)
    wrong = run_task(platform, "ml_retrain", now=until + DAY, params=params | {"since": "last Monday"})

    assert result.counts["promoted"] == 1
    assert active(platform).training_from == NOW + 4 * DAY + TEN_MINUTES
    assert (wrong.outcome, "since is 'last Monday'" in str(wrong.reason)) == (Outcome.FAILED, True)


def test_too_little_to_learn_keeps_the_model_and_says_so(platform: Platform, database: Database) -> None:
    """A day after the change there are not enough readings yet."""
    until = go_on(database, 1, shift=9.0)

    result = accept(platform, until)

    assert result.outcome is Outcome.SKIPPED
    assert "144 usable readings are too few" in str(result.reason)
    assert active(platform).version == 1


def test_dry_run_foresees_and_changes_nothing(platform: Platform, database: Database) -> None:
    """It names the readings that would be learned."""
    until = go_on(database, 5, shift=9.0)

    result = accept(platform, until, dry_run=True)

    assert "would learn from 720 readings" in str(result.reason)
    assert [version.version for version in platform.models.list_versions()] == [1]


def test_a_refused_acceptance_leaves_the_nightly_refusal_as_it_was_told(platform: Platform, database: Database) -> None:
    """Too few readings are said to the person who asked; why the gate refuses goes on to stand in the finding."""
    until = go_on(database, 9, shift=9.0)
    retrain(platform, NOW + 7 * DAY)
    told = refusal(platform, until)

    result = accept(platform, until, since=until - DAY)

    assert "too few" in str(result.reason)
    assert told is not None
    assert "G3 no drift from gold" in told.message
    assert refusal(platform, until) == told


def test_dry_run_foresees_that_there_is_too_little_to_learn(platform: Platform, database: Database) -> None:
    """It promises nothing that the acceptance itself would refuse."""
    until = go_on(database, 1, shift=9.0)

    result = accept(platform, until, dry_run=True)

    assert "would be refused: 144 readings" in str(result.reason)
    assert "are too few, 200 are needed" in str(result.reason)


def test_pinned_model_stays_whatever_is_accepted(platform: Platform, database: Database) -> None:
    """A pin is a person's word too: it must be taken back first."""
    until = go_on(database, 9, shift=9.0)
    platform.models.pin(active(platform).model_id, pinned=True, at=NOW)

    result = accept(platform, until)

    assert result.outcome is Outcome.SKIPPED
    assert "version 1 is pinned and stays; `ml-health unpin`" in str(result.reason)


def test_series_without_a_model_has_nothing_to_accept(platform: Platform) -> None:
    """The message says why, and the run is told as failed."""
    write = {"series": "NOBODY:flow", "accepted_by": "anna"}

    result = run_task(platform, "ml_retrain", now=NOW, params=write)

    assert result.outcome is Outcome.FAILED
    assert "no series 'NOBODY:flow' is known" in str(result.reason)


def test_pinned_champion_is_held_back_and_its_run_says_so(platform: Platform, database: Database) -> None:
    """What would be due is skipped with the reason, and a challenger on trial is not promoted over a pin."""
    until = go_on(database, 9, shift=4.0)
    open_finding(database, platform, "drift", at=NOW + 3 * DAY)
    retrain(platform, NOW + 5 * DAY)
    platform.models.pin(active(platform).model_id, pinned=True, at=NOW + 5 * DAY)

    result = retrain(platform, until)

    with database.transaction() as cur:
        cur.execute("SELECT outcome, reason FROM ml_health.run_item ORDER BY run_id DESC LIMIT 1")
        outcome, reason = cur.fetchone() or ("", "")
    assert (result.counts["pinned"], result.counts["promoted"]) == (1, 0)
    assert active(platform).version == 1
    assert (outcome, reason) == ("skipped", "version 1 is pinned and stays; `ml-health unpin` lets it be replaced")


def call(command: Any, platform: Platform, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON object of a command at the site."""
    result = CliRunner().invoke(command, [*words, "--json"], obj=platform, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    code = result.return_value if isinstance(result.return_value, int) else 0
    return code, json.loads(result.output)


def test_pin_and_unpin_by_series_and_by_id(platform: Platform, database: Database) -> None:
    """Who and why stands in the event; a dry run changes nothing; a second pin is no event."""
    model_id = str(active(platform).model_id)

    _, dry = call(pin_command, platform, SERIES, "--dry-run")
    after_dry_run = active(platform).pinned
    call(pin_command, platform, SERIES, "--by", "anna", "--reason", "audit")
    call(pin_command, platform, model_id, "--by", "ben")
    pinned, event = active(platform).pinned, last_event(database)
    _, unpinned = call(unpin_command, platform, SERIES, "--by", "anna")

    assert (dry["models"], dry["dry_run"], after_dry_run) == ([model_id], True, False)
    assert pinned
    assert event[:3] == ("pinned", "person", "by anna: audit")
    assert unpinned["versions"] == [1]
    assert not active(platform).pinned


def test_pin_of_nothing_is_refused(platform: Platform) -> None:
    """Neither a name that is not known nor a series without a pin does anything silently."""
    with pytest.raises(ConfigurationError, match="no series 'NOBODY:flow'"):
        call(pin_command, platform, "NOBODY:flow")
    with pytest.raises(ConfigurationError, match="has no pinned model"):
        call(unpin_command, platform, SERIES)
    with pytest.raises(ConfigurationError, match="no model 00000000"):
        call(pin_command, platform, "00000000-0000-0000-0000-000000000000")


def test_accept_drift_command(platform: Platform, database: Database) -> None:
    """One command: exit code 0 where the new normal serves, 1 where the old model stays."""
    until = go_on(database, 5, shift=9.0)

    early, _ = call(accept_drift_command, platform, SERIES, "--now", (NOW + DAY).isoformat())
    words = ("--reason", "new impeller", "--since", NOW.isoformat(), "--now", until.isoformat())
    code, told = call(accept_drift_command, platform, SERIES, *words)

    assert early == 1
    assert (code, told["counts"]["promoted"]) == (0, 1)
    assert active(platform).cause == "person"
