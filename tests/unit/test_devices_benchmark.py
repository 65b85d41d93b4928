"""Machine or sensor on SKAB's development devices: what the documentation claims, on a part of them."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.quality.corpus import Unit, find_data, load_groups
from benchmarks.quality.devices import judge_events, judge_spoilt, shift_sensor, spoil_nothing
from ml_core.domain.devices.device_evidence import DeviceEvidence, Judgement
from ml_core.domain.devices.metric_grid import MOST_AFTER
from ml_core.errors import ConfigurationError


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    """The first devices with an event."""
    try:
        groups = load_groups(find_data(None))
    except ConfigurationError as exc:
        pytest.skip(str(exc))
    found = [unit for group in groups if group.name == "skab" for unit in group.units if unit.metrics[0].windows]
    return found[:6] or pytest.skip("the labelled telemetry has no SKAB device")


def count(found: list[DeviceEvidence]) -> Counter[Judgement]:
    """Of those with a metric that usually agrees."""
    return Counter(evidence.judgement for evidence in found if evidence.agreeing)


def test_a_shifted_sensor_with_a_witness_is_mostly_named(units: list[Unit]) -> None:
    """Where nobody usually agrees with it, nothing is said; the machine is hardly ever blamed."""
    found = list(judge_spoilt(units, shift_sensor, MOST_AFTER))
    counts = count(found)

    assert counts[Judgement.SENSOR] >= 0.7 * sum(counts.values())
    assert sum(evidence.judgement is Judgement.MACHINE for evidence in found) <= 0.08 * len(found)


def test_an_alarm_for_nothing_blames_hardly_anybody(units: list[Unit]) -> None:
    """In nineteen of twenty cases nobody can tell."""
    found = list(judge_spoilt(units, spoil_nothing, MOST_AFTER))

    assert sum(evidence.judgement is Judgement.UNKNOWN for evidence in found) >= 0.9 * len(found)


def test_a_fault_of_the_machine_is_never_taken_for_a_sensors_at_its_opening(units: list[Unit]) -> None:
    """One witness is given time."""
    assert all(evidence.judgement is not Judgement.SENSOR for evidence in judge_events(units, 0))
