"""The degradation check as a task: healthy fleets are left alone, drift is told after two checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.policies import DriftPolicy
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import Outcome, TaskResult
from tests.integration.health_fleet import NOW, HealthFleet, changed_from

DAY = timedelta(days=1)
TRAINED_AT = NOW - 2 * DAY


@pytest.fixture
def fleet(database_url: str, tmp_path: Path) -> Iterator[HealthFleet]:
    """An empty fleet on a fresh database."""
    fleet = HealthFleet(database_url, tmp_path)
    with closing(fleet.platform):
        yield fleet


def add_shifted(
    fleet: HealthFleet,
    device: str,
    *,
    shift: float,
    start: datetime = NOW - DAY,
    end: datetime | None = None,
    **options: Any,
) -> SeriesRecord:
    """A series whose level moves by so many deviations at a time, and back at `end`."""
    record, readings = fleet.add_series(device, **options)
    fleet.train(record, readings, trained_at=TRAINED_AT)
    moved = changed_from(readings, start, readings.values + 2.0 * shift)
    fleet.send(record, moved if end is None else changed_from(moved, end, readings.values))
    return record


def check(fleet: HealthFleet, day: int = 0, **options: Any) -> TaskResult:
    """The health check and then the degradation check of a day."""
    fleet.run("ml_health_check", now=NOW + day * DAY)
    return fleet.run("ml_degradation", now=NOW + day * DAY + timedelta(minutes=20), **options)


def drift_of(fleet: HealthFleet, record: SeriesRecord) -> CheckResult:
    """What the newest degradation check said of a series."""
    (told,) = fleet.platform.checks.latest_of_each([record.series_id], checks=["drift"])[record.series_id]
    return told.result


def test_a_healthy_fleet_that_remembers_is_left_alone(fleet: HealthFleet) -> None:
    """Of 200 healthy series of AR(1) 0.9 not one in a hundred is called degraded after two days."""
    for number in range(200):
        fleet.add_healthy(f"PUMP-{number:03}", phi=0.9, seed=number, trained_at=TRAINED_AT)

    for day in range(2):
        result = fleet.run("ml_degradation", now=NOW + day * DAY)

        assert result.outcome is Outcome.SUCCEEDED
        assert result.counts["tested"] > 100
        assert result.counts.get("drift_warn", 0) + result.counts.get("drift_fail", 0) <= 0.05 * 200
    assert len(result.findings) <= 0.01 * 200


def test_a_shift_of_level_is_told_after_two_checks(fleet: HealthFleet) -> None:
    """One check is a first sign; the second makes it a finding and the model degraded, with words and figures."""
    shifted = add_shifted(fleet, "PUMP-0", shift=2.0)
    healthy = [fleet.add_healthy(f"PUMP-{n}", seed=n, trained_at=TRAINED_AT) for n in range(1, 5)]

    first = check(fleet)
    after_first = fleet.open_findings(shifted), fleet.health(shifted)[0]
    second = check(fleet, 1)

    finding = fleet.open_findings(shifted)["drift"]
    assert first.counts["drift_warn"] == 1
    assert "drift" not in after_first[0]
    assert after_first[1] != "degraded"
    assert second.counts["drift_fail"] == 1
    assert finding.severity is Severity.CRITICAL
    assert "seen in 2 checks in a row" in finding.message
    assert finding.model_id == fleet.versions(shifted)[0].model_id
    assert fleet.health(shifted)[0] == "degraded"
    assert [fleet.health(record)[0] for record in healthy] == ["healthy"] * 4


def test_a_look_at_one_series_is_no_second_check(fleet: HealthFleet) -> None:
    """What a person asks for right after the fleet's check is shown, and neither degrades nor counts."""
    record = add_shifted(fleet, "PUMP-0", shift=2.0)
    check(fleet)

    asked = fleet.run("ml_degradation", now=NOW + timedelta(hours=1), params={"series": str(record.key)})
    after = fleet.open_findings(record), fleet.health(record)[0]
    second = check(fleet, 1)

    assert [finding["check"] for finding in asked.findings] == ["drift"]
    assert "does not count" in asked.findings[0]["message"]
    assert "drift" not in after[0]
    assert after[1] != "degraded"
    assert "seen in 2 checks in a row" in fleet.open_findings(record)["drift"].message
    assert second.counts["drift_fail"] == 1


def test_a_second_run_on_the_same_readings_is_no_second_check(fleet: HealthFleet) -> None:
    """A run by hand an hour after the nightly one has seen nothing new; the next night has."""
    record = add_shifted(fleet, "PUMP-0", shift=2.0)
    check(fleet)

    by_hand = fleet.run("ml_degradation", now=NOW + timedelta(hours=1))
    after = fleet.open_findings(record)
    second = check(fleet, 1)

    assert by_hand.counts["drift_warn"] == 1
    assert "drift" not in after
    assert second.counts["drift_fail"] == 1


def test_drift_that_ends_is_resolved(fleet: HealthFleet) -> None:
    """A machine that was mended is healthy again, and the finding is closed."""
    record = add_shifted(fleet, "PUMP-0", shift=1.5, end=NOW + DAY)
    check(fleet)
    check(fleet, 1)
    degraded = fleet.health(record)[0]

    check(fleet, 3)

    assert degraded == "degraded"
    assert "drift" not in fleet.open_findings(record)
    assert fleet.health(record)[0] == "healthy"


def test_the_daily_check_remembers_drift(fleet: HealthFleet) -> None:
    """The next morning's health check does not call a degraded model healthy before drift is tested again."""
    record = add_shifted(fleet, "PUMP-0", shift=1.5)
    check(fleet)
    check(fleet, 1)

    fleet.run("ml_health_check", now=NOW + 2 * DAY)

    assert fleet.health(record)[0] == "degraded"


def test_a_new_model_begins_the_count_anew(fleet: HealthFleet) -> None:
    """What yesterday's model saw is nothing against today's."""
    record = add_shifted(fleet, "PUMP-0", shift=2.0)
    check(fleet)
    _, readings = fleet.add_series("TWIN")
    fleet.train(record, readings, trained_at=NOW + timedelta(hours=12))

    check(fleet, 1)

    assert "drift" not in fleet.open_findings(record)


def test_few_independent_readings_are_unknown(fleet: HealthFleet) -> None:
    """An hourly series that remembers long says too little in a week: unknown, never fine."""
    record = fleet.add_healthy("SLOW-1", interval_s=3600, phi=0.95, seed=1, trained_at=TRAINED_AT)

    result = fleet.run("ml_degradation")

    told = drift_of(fleet, record)
    assert (result.counts["tested"], result.counts["drift_unknown"]) == (0, 1)
    assert "the last 7 d" in told.reason
    assert "50 are needed" in told.reason


def test_a_stuck_sensor_is_not_called_drift_too(fleet: HealthFleet) -> None:
    """A series with an open finding about its data is not tested, and it is said why."""
    record, readings = fleet.add_series("PUMP-0")
    fleet.train(record, readings, trained_at=TRAINED_AT)
    fleet.send(record, changed_from(readings, NOW - DAY, np.full(len(readings), 23.0)))

    for day in range(3):
        check(fleet, day)

    told = drift_of(fleet, record)
    assert set(fleet.open_findings(record)) == {"flatline"}
    assert told.reason.startswith("not tested: flatline is open since")


def test_many_series_of_a_metric_are_one_finding(fleet: HealthFleet) -> None:
    """Six of eight temperatures move together: one finding of the fleet, no single one, until it is over."""
    records = [add_shifted(fleet, f"PUMP-{n}", shift=1.5, seed=n, end=NOW + DAY) for n in range(6)]
    for n in range(6, 8):
        fleet.add_healthy(f"PUMP-{n}", seed=n, trained_at=TRAINED_AT)
    fleet.add_healthy("METER-1", metric="flow", trained_at=TRAINED_AT)

    check(fleet)
    check(fleet, 1)
    common = fleet.open_findings()["common_mode_drift"]
    single = [fleet.open_findings(record) for record in records]
    check(fleet, 3)

    assert common.message.startswith("6 of 8 series of temperature drift together")
    assert all("drift" not in findings for findings in single)
    assert "common_mode_drift" not in fleet.open_findings()


def test_a_lost_artifact_is_unknown_here(fleet: HealthFleet) -> None:
    """The health check tells it; here there is nothing to compare with."""
    record, readings = fleet.add_series("PUMP-0")
    fleet.lose(fleet.train(record, readings, trained_at=TRAINED_AT))
    fleet.send(record, readings)

    result = fleet.run("ml_degradation")

    assert result.outcome is Outcome.SUCCEEDED
    assert result.counts["drift_unknown"] == 1


def test_a_dry_run_tells_and_keeps_nothing(fleet: HealthFleet) -> None:
    """What would be found is told; yesterday's results stay the newest."""
    record = add_shifted(fleet, "PUMP-0", shift=2.0)
    check(fleet)
    before = drift_of(fleet, record)

    result = fleet.run("ml_degradation", now=NOW + DAY, dry_run=True)

    assert [finding["check"] for finding in result.findings] == ["drift"]
    assert result.counts["drift_fail"] == 1
    assert drift_of(fleet, record) == before
    assert "drift" not in fleet.open_findings(record)


def test_a_stopped_run_is_resumed_and_ends_as_if_it_had_not_stopped(fleet: HealthFleet) -> None:
    """Stopped between two batches, the slot goes on where it was, and nothing is counted twice."""
    record = add_shifted(fleet, "PUMP-0", shift=2.0)
    check(fleet)
    asked = iter([False, True])

    stopped = fleet.run("ml_degradation", now=NOW + DAY, should_stop=lambda: next(asked, True))
    resumed = fleet.run("ml_degradation", now=NOW + DAY)

    assert stopped.outcome is Outcome.INTERRUPTED
    assert resumed.outcome is Outcome.SUCCEEDED
    assert fleet.open_findings(record)["drift"].occurrences == 1


def test_a_failing_model_does_not_stop_the_others(fleet: HealthFleet) -> None:
    """A model of a kind that this code does not know is named with its reason, and its neighbour is tested."""
    strange, fine = (fleet.add_healthy(f"PUMP-{n}", seed=n, trained_at=TRAINED_AT) for n in range(2))
    arrays = {"reference_values": np.zeros(10), "reference_scores": np.zeros(10)}
    fleet.replace_artifact(strange, ModelArtifact(kind="crystal_ball", arrays=arrays, metadata={}))

    result = fleet.run("ml_degradation")

    assert result.outcome is Outcome.PARTIAL
    assert f"series {strange.series_id}: " in (result.reason or "")
    assert "crystal_ball" in (result.reason or "")
    assert drift_of(fleet, fine).verdict is Verdict.OK


def test_the_null_canarys_rate_is_kept_with_the_run(fleet: HealthFleet) -> None:
    """Each run tests training against itself, and publishes how often that spoke."""
    for number in range(20):
        fleet.add_healthy(f"PUMP-{number}", seed=number, trained_at=TRAINED_AT)

    result = fleet.run("ml_degradation")

    with fleet.platform.database.transaction() as cur:
        cur.execute("SELECT counts FROM ml_health.run WHERE task = 'ml_degradation'")
        (kept,) = cur.fetchone()
    assert kept["canary_splits"] == 20
    assert kept["canary_rate"] == result.counts["canary_spoke"] / 20 <= 0.1
    assert kept["canary_degraded"] == 0
    assert "drift_canary" not in fleet.open_findings()


def test_a_loud_canary_keeps_drift_from_counting(fleet: HealthFleet) -> None:
    """Where training itself has jumped everywhere, the test is not believed: nothing degraded, one finding says why."""
    for number in range(12):
        record, readings = fleet.add_series(f"PUMP-{number}", seed=number)
        jumped = changed_from(readings, TRAINED_AT - 3 * DAY, readings.values + 12.0)
        fleet.train(record, jumped, trained_at=TRAINED_AT)
        fleet.send(record, jumped)
    drifting = add_shifted(fleet, "PUMP-X", shift=6.0, seed=99)

    for day in range(2):
        result = check(fleet, day)

    told = drift_of(fleet, drifting)
    assert fleet.open_findings()["drift_canary"].severity is Severity.WARNING
    assert result.counts["canary_rate"] > 0.1
    assert "drift" not in fleet.open_findings(drifting)
    assert told.verdict is Verdict.WARN
    assert "only told, since the null canary is loud" in told.reason


def test_a_site_is_told_as_a_group(database_url: str, tmp_path: Path) -> None:
    """Five metrics at one site move together: the site is named, and no series alone."""
    fleet = HealthFleet(database_url, tmp_path, drift=DriftPolicy(site_pattern="^([A-Z]+)/"))
    with closing(fleet.platform):
        records = [
            add_shifted(fleet, f"ULM/PUMP-{n}", metric=f"metric_{n}", shift=2.0, seed=n, start=NOW - DAY)
            for n in range(5)
        ]
        for n in range(5):
            fleet.add_healthy(f"BERN/PUMP-{n}", metric=f"metric_{n}", seed=20 + n, trained_at=TRAINED_AT)

        check(fleet)
        check(fleet, 1)

        assert fleet.open_findings()["common_mode_drift"].message.startswith("5 of 5 series at ULM drift together")
        assert all("drift" not in fleet.open_findings(record) for record in records)
