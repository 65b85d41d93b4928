"""The daily health check as a task: real models, real readings, real faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.model_version import ModelStatus
from ml_core.domain.policies import HealthPolicy
from ml_core.domain.reviews.operator_verdict import NewVerdict, OperatorVerdict
from ml_core.domain.task import Outcome
from ml_core.sql import read_sql
from tests.integration.health_fleet import NOW, HealthFleet, changed_from

CHECK = "ml_health_check"
DAY = timedelta(days=1)


@pytest.fixture
def fleet(database_url: str, tmp_path: Path) -> Iterator[HealthFleet]:
    """An empty fleet on a fresh database."""
    fleet = HealthFleet(database_url, tmp_path)
    with closing(fleet.platform):
        yield fleet


def test_a_healthy_series_is_healthy(fleet: HealthFleet) -> None:
    """A young model with complete, usual readings has no finding; every check is stored with its reason and shown."""
    record = fleet.add_healthy("PUMP-1")

    result = fleet.run(CHECK)

    stored = fleet.platform.checks.latest_of_each([record.series_id])[record.series_id]
    assert result.outcome is Outcome.SUCCEEDED
    assert fleet.health(record)[0] == "healthy"
    assert result.findings == []
    assert (result.counts["series"], result.counts["healthy"]) == (1, 1)
    assert {str(check.result.check) for check in stored} == {
        "artifact", "age", "lag", "coverage", "flatline", "out_of_range", "unit_change", "alarm_rate",
        "scoring_stalled", "training_failures", "latency", "accuracy", "false_positive_rate",
    }  # fmt: skip
    assert all(check.result.reason for check in stored)
    shown = read_sql("panels/device/checks.sql")
    assert [str(check.result.check) for check in stored if f"'{check.result.check}'" not in shown] == []


def test_a_stuck_sensor_is_named_with_value_and_time(fleet: HealthFleet) -> None:
    """A stuck sensor is a finding of the sensor; its model is not called broken, nor healthy."""
    record, readings = fleet.add_series("PUMP-1")
    fleet.train(record, readings, trained_at=NOW - DAY)
    since = NOW - timedelta(hours=10)
    fleet.send(record, changed_from(readings, since, np.full(len(readings), 21.25)))

    fleet.run(CHECK)

    finding = fleet.open_findings(record)["flatline"]
    assert finding.severity is Severity.CRITICAL
    assert finding.message.startswith(
        f"the sensor has been stuck at 21.25 since {since + timedelta(minutes=5):%Y-%m-%d}"
    )
    assert fleet.health(record)[0] == "unknown"
    assert set(fleet.open_findings(record)) == {"flatline"}


@pytest.mark.parametrize(
    ("metric", "factor", "offset", "words"),
    [
        ("flow", 3.6, 0.0, "x 3.6 (litres per second to cubic metres per hour)"),
        ("temperature", 1.8, 32.0, "x 1.8 + 32 (degrees Celsius to degrees Fahrenheit)"),
    ],
)
def test_a_change_of_unit_is_told_as_such(
    fleet: HealthFleet, metric: str, factor: float, offset: float, words: str
) -> None:
    """Readings in another unit degrade the model, and the finding says which unit."""
    record, readings = fleet.add_series("PUMP-1", metric=metric)
    fleet.train(record, readings, trained_at=NOW - DAY)
    fleet.send(record, changed_from(readings, NOW - timedelta(hours=12), readings.values * factor + offset))

    fleet.run(CHECK)

    findings = fleet.open_findings(record)
    assert words in findings["unit_change"].message
    assert "out_of_range" in findings
    assert fleet.health(record)[0] == "degraded"


def test_a_silent_series_has_no_data(fleet: HealthFleet) -> None:
    """No reading for two days is no data, told once."""
    record, readings = fleet.add_series("PUMP-1")
    fleet.train(record, readings, trained_at=NOW - 3 * DAY)
    fleet.send(record, readings.between(None, NOW - 2 * DAY))

    fleet.run(CHECK)

    assert fleet.health(record)[0] == "no_data"
    assert set(fleet.open_findings(record)) == {"lag"}


def test_an_old_model_is_stale_and_later_critical(fleet: HealthFleet) -> None:
    """Eight days warn, fifteen are critical; it is one finding all the time."""
    record = fleet.add_healthy("PUMP-1", trained_at=NOW - 8 * DAY, days_after=8)

    fleet.run(CHECK)
    first = fleet.open_findings(record)["age"]
    fleet.run(CHECK, now=NOW + 7 * DAY)
    later = fleet.open_findings(record)["age"]

    assert fleet.health(record)[0] == "stale"
    assert (first.severity, later.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert (later.finding_id, later.opened_at, later.occurrences) == (first.finding_id, NOW, 2)


def test_a_damaged_model_is_put_aside_and_the_one_before_serves_again(fleet: HealthFleet) -> None:
    """One flipped bit: the version is quarantined, the newest whole one serves, and the reason is kept."""
    record, readings = fleet.add_series("PUMP-1")
    oldest, before, damaged = (fleet.train(record, readings, trained_at=NOW - age) for age in (5 * DAY, 3 * DAY, DAY))
    fleet.send(record, readings)
    fleet.flip_one_byte(damaged)

    result = fleet.run(CHECK)

    finding = fleet.open_findings(record)["artifact"]
    assert [fleet.version(model.model_id).status for model in (oldest, before, damaged)] == [
        ModelStatus.RETIRED,
        ModelStatus.ACTIVE,
        ModelStatus.QUARANTINED,
    ]
    assert (result.counts["quarantined"], result.counts["rolled_back"]) == (1, 1)
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("version 2 serves again: version 3:")
    assert "checksum" in (fleet.version(damaged.model_id).outcome_reason or "")
    assert fleet.health(record)[0] == "healthy"

    fleet.run(CHECK, now=NOW + DAY)

    assert "artifact" not in fleet.open_findings(record)


def test_a_version_that_is_damaged_too_is_passed_over(fleet: HealthFleet) -> None:
    """The newest version that is whole serves, not merely the newest."""
    record, readings = fleet.add_series("PUMP-1")
    whole, gone, damaged = (fleet.train(record, readings, trained_at=NOW - age) for age in (5 * DAY, 3 * DAY, DAY))
    fleet.send(record, readings)
    fleet.flip_one_byte(damaged)
    fleet.lose(gone)

    fleet.run(CHECK)

    assert fleet.version(whole.model_id).status is ModelStatus.ACTIVE
    assert fleet.open_findings(record)["artifact"].message.startswith("version 1 serves again")


def test_without_a_whole_version_the_series_is_broken(fleet: HealthFleet) -> None:
    """Nothing is left to serve: broken today and tomorrow, until a retrain."""
    record, readings = fleet.add_series("PUMP-1")
    model = fleet.train(record, readings)
    fleet.send(record, readings)
    fleet.lose(model)

    for day in range(2):
        fleet.run(CHECK, now=NOW + day * DAY)

        assert fleet.health(record)[0] == "broken"
        assert fleet.open_findings(record)["artifact"].severity is Severity.CRITICAL
    assert fleet.version(model.model_id).status is ModelStatus.QUARANTINED


def test_a_store_that_lost_everything_costs_no_model(fleet: HealthFleet) -> None:
    """Where most artifacts are gone at once the disk is suspected, and no model is given up."""
    records = []
    for number in range(6):
        record, readings = fleet.add_series(f"PUMP-{number}", seed=number)
        fleet.lose(fleet.train(record, readings))
        fleet.send(record, readings)
        records.append(record)

    result = fleet.run(CHECK)

    assert result.counts["quarantined"] == 0
    assert all(fleet.versions(record)[0].status is ModelStatus.ACTIVE for record in records)
    assert "look at the store first" in fleet.open_findings(records[0])["artifact"].message
    assert fleet.health(records[0])[0] == "broken"


def test_scoring_that_stands_still_breaks_the_series(fleet: HealthFleet) -> None:
    """Readings arrive and nobody scores them."""
    record, readings = fleet.add_series("PUMP-1")
    fleet.train(record, readings, trained_at=NOW - 2 * DAY)
    fleet.send(record, readings.between(None, NOW - DAY))
    with fleet.platform.database.transaction() as cur:
        cur.execute("SELECT watermark FROM ml_health.detector_state")
        watermark = cur.fetchone()
    fleet.send(record, readings.between(NOW - DAY, NOW))
    with fleet.platform.database.transaction() as cur:
        cur.execute("UPDATE ml_health.detector_state SET watermark = %s", watermark)

    fleet.run(CHECK)

    assert fleet.health(record)[0] == "broken"
    assert "scoring_stalled" in fleet.open_findings(record)


def test_a_muted_series_is_checked_and_its_findings_are_marked(fleet: HealthFleet) -> None:
    """Muting hides nothing from the ledger."""
    record = fleet.add_healthy("PUMP-1", trained_at=NOW - 8 * DAY)
    fleet.platform.series.mute(record.key, until=NOW + DAY, reason="works")

    result = fleet.run(CHECK)

    (told,) = result.findings
    assert (told["check"], told["series"], told["muted"]) == ("age", "PUMP-1:temperature", True)
    assert result.counts["muted"] == 1


def test_a_fault_that_ends_is_resolved(fleet: HealthFleet) -> None:
    """The finding of a silent series closes when readings are back."""
    record, readings = fleet.add_series("PUMP-1")
    fleet.train(record, readings, trained_at=NOW - 3 * DAY)
    fleet.send(record, readings.between(None, NOW - 2 * DAY))
    fleet.run(CHECK)

    fleet.send(record, readings.between(NOW - 2 * DAY, None))
    result = fleet.run(CHECK, now=NOW + DAY)

    assert fleet.open_findings(record) == {}
    assert result.counts["findings_resolved"] == 1
    assert fleet.health(record)[0] == "healthy"


def test_series_without_a_model_are_checked_for_data_only(fleet: HealthFleet) -> None:
    """A collecting series is unknown while it delivers and no data when it does not; it is no broken model."""
    alive, readings = fleet.add_series("NEW-1", state="collecting")
    fleet.send(alive, readings)
    silent, readings = fleet.add_series("NEW-2", state="collecting")
    fleet.send(silent, readings.between(None, NOW - 2 * DAY))

    result = fleet.run(CHECK)

    assert fleet.health(alive)[0] == "unknown"
    assert fleet.health(silent)[0] == "no_data"
    assert set(fleet.open_findings(silent)) == {"lag"}
    assert result.counts["without_model"] == 2
    assert fleet.open_findings(alive) == {}


def test_an_hourly_series_is_judged_on_enough_readings(fleet: HealthFleet) -> None:
    """A stuck sensor that reads once an hour is told after half a day."""
    record, readings = fleet.add_series("SLOW-1", interval_s=3600, phi=0.3)
    fleet.train(record, readings, trained_at=NOW - DAY)
    fleet.send(record, changed_from(readings, NOW - timedelta(hours=13), np.full(len(readings), 20.0)))

    fleet.run(CHECK)

    assert "flatline" in fleet.open_findings(record)


def test_people_who_call_alarms_false_are_heard(fleet: HealthFleet) -> None:
    """Twenty-five false alarms of a model that flags a tenth of its readings are a false positive rate."""
    record = fleet.add_healthy("PUMP-1")
    with fleet.platform.database.transaction() as cur:
        cur.execute(
            "INSERT INTO ml_health.activity_hourly VALUES (%s, %s, 1000, 110, 1, 0, 0, 0, 30, 3, %s)",
            (record.series_id, NOW - 2 * DAY, [30] + [0] * 13),
        )
    for _ in range(25):
        fleet.platform.verdicts.add(
            NewVerdict(
                detection_id=uuid4(),
                detection_timestamp=NOW - DAY,
                series_id=record.series_id,
                verdict=OperatorVerdict.FALSE_ALARM,
                given_by="ana",
                given_at=NOW,
            )
        )

    fleet.run(CHECK)

    finding = fleet.open_findings(record)["false_positive_rate"]
    assert finding.value == pytest.approx(0.11)
    assert "accuracy" not in fleet.open_findings(record)
    assert fleet.health(record)[0] == "degraded"


def test_a_dry_run_tells_and_changes_nothing(fleet: HealthFleet) -> None:
    """What would be found is told; no verdict, finding or model is touched."""
    record, readings = fleet.add_series("PUMP-1")
    model = fleet.train(record, readings, trained_at=NOW - 8 * DAY)
    fleet.send(record, readings)
    fleet.flip_one_byte(model)

    result = fleet.run(CHECK, dry_run=True)

    assert {finding["check"] for finding in result.findings} == {"artifact"}
    assert fleet.version(model.model_id).status is ModelStatus.ACTIVE
    assert fleet.open_findings(record) == {}
    assert fleet.health(record)[0] == "unknown"
    assert fleet.platform.checks.latest_of_each([record.series_id]) == {}


def test_one_series_only(fleet: HealthFleet) -> None:
    """A named series is checked, the others and the fleet are left alone; an unknown name is refused."""
    one, other = (fleet.add_healthy(f"PUMP-{n}", trained_at=NOW - 8 * DAY) for n in (1, 2))

    result = fleet.run(CHECK, params={"series": "PUMP-2:temperature"})
    refused = fleet.run(CHECK, now=NOW + DAY, params={"series": "PUMP-3:temperature"})

    assert result.counts["series"] == 1
    assert fleet.open_findings(one) == {}
    assert set(fleet.open_findings(other)) == {"age"}
    assert refused.outcome is Outcome.FAILED
    assert "PUMP-3:temperature" in (refused.reason or "")


def test_a_failing_series_does_not_stop_the_others(fleet: HealthFleet) -> None:
    """A model of a kind that this code does not know is named with its reason, and kept; its neighbour is judged."""
    strange, fine = fleet.add_healthy("PUMP-1"), fleet.add_healthy("PUMP-2", seed=2)
    fleet.replace_artifact(strange, ModelArtifact(kind="crystal_ball", arrays={"a": np.zeros(1)}, metadata={}))

    result = fleet.run(CHECK)

    assert result.outcome is Outcome.PARTIAL
    assert f"series {strange.series_id}: unknown detector kind 'crystal_ball'" in (result.reason or "")
    assert fleet.versions(strange)[0].status is ModelStatus.ACTIVE
    assert [fleet.health(record)[0] for record in (strange, fine)] == ["unknown", "healthy"]


def test_a_second_run_of_a_slot_changes_nothing(fleet: HealthFleet) -> None:
    """The slot is done."""
    record = fleet.add_healthy("PUMP-1", trained_at=NOW - 8 * DAY)
    fleet.run(CHECK)

    again = fleet.run(CHECK)

    assert again.outcome is Outcome.SKIPPED
    assert fleet.open_findings(record)["age"].occurrences == 1


def test_a_missed_day_is_told_and_mended(fleet: HealthFleet) -> None:
    """Three days without a check are a finding of the platform, which the next daily check resolves."""
    fleet.add_healthy("PUMP-1", days_after=6)
    fleet.run(CHECK)

    fleet.run(CHECK, now=NOW + 3 * DAY)
    missed = fleet.open_findings()
    fleet.run(CHECK, now=NOW + 4 * DAY)

    assert set(missed) == {"heartbeat"}
    assert "3 d ago" in missed["heartbeat"].message
    assert fleet.open_findings() == {}


def test_a_store_over_its_bound_is_a_finding_of_the_fleet(database_url: str, tmp_path: Path) -> None:
    """The site's bound on artifacts is a setting."""
    fleet = HealthFleet(database_url, tmp_path, health=replace(HealthPolicy(), store_warn_bytes=1000))
    with closing(fleet.platform):
        fleet.add_healthy("PUMP-1")

        result = fleet.run(CHECK)

        assert set(fleet.open_findings()) == {"store_size"}
        assert result.findings[0]["series"] is None
