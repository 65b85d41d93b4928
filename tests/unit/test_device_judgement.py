"""Machine or sensor: what a device's metrics say of an alarm, on devices whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quality.simulated_device import ONSET, STEP, Fault, simulate
from ml_core.domain.devices.device_evidence import DeviceEvidence, Direction, Judgement, Reason
from ml_core.domain.devices.device_judgement import judge_device
from ml_core.domain.devices.device_words import tell_device
from ml_core.domain.policies import DevicePolicy
from ml_core.domain.series import Readings, to_instant

POLICY = DevicePolicy()
SEEDS = range(20)


def judge(readings: Mapping[str, Readings], **changes: float) -> DeviceEvidence:
    """The judgement of an alarm of m0 at ONSET."""
    return judge_device(readings, alarms={"m0": ONSET}, policy=replace(POLICY, **changes))  # type: ignore[arg-type]


def count(fault: Fault, *, after: int, noise: float = 0.3) -> Counter[str]:
    """Judgements of as many devices as there are seeds."""
    return Counter(judge(simulate(fault, seed=seed, after=after, noise=noise)).judgement.value for seed in SEEDS)


def thin(readings: Readings, every: int, *, from_: int = 0) -> Readings:
    """Every so many readings."""
    return Readings(timestamps=readings.timestamps[from_::every], values=readings.values[from_::every])


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_a_change_of_the_machine_is_told_from_the_first_reading_on(noise: float) -> None:
    """All four metrics jump: never a sensor, nearly always the machine."""
    first, later = count("machine", after=0, noise=noise), count("machine", after=12, noise=noise)

    assert first["sensor"] == later["sensor"] == 0
    assert min(first["machine"], later["machine"]) >= 18


@pytest.mark.parametrize("fault", ["shift", "ramp"])
def test_a_sensor_that_leaves_the_others_is_suspected_at_once(fault: Fault) -> None:
    """One of four goes its own way: at most one of twenty devices is called changed."""
    for after in (0, 12):
        found = count(fault, after=after)

        assert found["sensor"] >= 16
        assert found["machine"] <= 1


@pytest.mark.parametrize("fault", ["stuck", "restless"])
def test_a_sensor_that_stands_still_or_is_restless_is_suspected_once_it_has_lasted(fault: Fault) -> None:
    """Standing still is no move, but the others went on."""
    found = count(fault, after=12)

    assert found["sensor"] >= 18
    assert found["machine"] <= 1


def test_an_alarm_without_a_change_is_no_judgement() -> None:
    """False alarms stay unknown; hardly a sensor is suspected for nothing."""
    assert count("none", after=12)["unknown"] >= 18


def test_metrics_without_a_partner_stay_unknown_but_several_at_once_are_the_machine() -> None:
    """Four unrelated metrics: one that jumps says nothing, three that jump at once are no accident."""
    lonely, together = Counter[Reason](), Counter[Reason]()
    for seed in SEEDS:
        unrelated = {
            name: simulate("none", seed=seed * 10 + j)["m0"] for j, name in enumerate(("m0", "m1", "m2", "m3"))
        }
        lonely[judge(unrelated | {"m0": simulate("shift", seed=seed * 10)["m0"]}).reason] += 1
        jumped = {f"m{j}": simulate("shift", seed=seed * 10 + j)["m0"] for j in range(3)}
        together[judge(unrelated | jumped).reason] += 1

    assert lonely[Reason.NO_PARTNER] >= 16
    assert together[Reason.BY_THEMSELVES] + together[Reason.NOT_AS_USUAL] + together[Reason.AS_USUAL] >= 18


def test_what_is_told_names_those_that_usually_agree() -> None:
    """The words that an operator reads."""
    sensor, machine = (tell_device(judge(simulate(fault, seed=3))) for fault in ("shift", "machine"))

    assert sensor.startswith("m0 moved ")
    assert sensor.endswith("usually in agreement with it, did not: suspect the sensor")
    assert all(name in sensor for name in ("m1 (r ", "m2 (r ", "m3 (r "))
    assert machine.endswith(": a change of the machine")
    assert "stands still" in tell_device(judge(simulate("stuck", seed=3)))


def test_every_reason_has_its_words() -> None:
    """With nobody, one and seven beside it."""
    few = judge(simulate("machine", seed=3))
    many = judge(simulate("machine", seed=3, metrics=8))
    for evidence in (few, many, DeviceEvidence(judgement=Judgement.UNKNOWN, reason=Reason.NO_PARTNER, lead="flow")):
        told = {tell_device(replace(evidence, reason=reason)) for reason in Reason}

        assert len(told) == len(Reason)
    assert "2 others" in tell_device(many)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["machine", "shift", "stuck"]),
    st.integers(0, 500),
    st.permutations(["m0", "m1", "m2", "m3"]),
    st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4),
    st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4),
)
def test_units_and_the_order_of_metrics_make_no_difference(
    fault: Fault, seed: int, order: list[str], scales: list[float], offsets: list[float]
) -> None:
    """Celsius or Fahrenheit, this metric first or that one: the same judgement, figures and words."""
    plain = simulate(fault, seed=seed)
    converted = {
        name: replace(plain[name], values=plain[name].values * scale + offset)
        for name, scale, offset in zip(order, scales, offsets, strict=True)
    }

    assert tell_device(judge(converted)) == tell_device(judge(plain))


def test_turning_a_metrics_sign_turns_its_direction_and_nothing_else() -> None:
    """A sensor may be wired either way."""
    plain = simulate("machine", seed=5)
    turned = judge(plain | {"m1": replace(plain["m1"], values=-plain["m1"].values)})
    expected = judge(plain)

    directions = ({move.metric: move.direction for move in evidence.moved} for evidence in (turned, expected))
    ours, theirs = (found["m1"] for found in directions)
    assert {ours, theirs} == {Direction.UP, Direction.DOWN}
    assert (turned.judgement, turned.reason) == (expected.judgement, expected.reason)


@pytest.mark.parametrize(("fault", "expected"), [("machine", "machine"), ("shift", "sensor")])
def test_other_cadences_and_gaps_give_the_same_judgement(fault: Fault, expected: str) -> None:
    """One metric reads every half hour, one is a few minutes off, one has holes."""
    found = Counter(judge(_mix(simulate(fault, seed=seed, after=15), seed)).judgement.value for seed in SEEDS)

    assert found[expected] >= 15
    assert found[expected] + found["unknown"] >= 19


def _mix(readings: Mapping[str, Readings], seed: int) -> dict[str, Readings]:
    count = len(readings["m3"])
    kept = np.random.default_rng(seed).choice(count - 16, size=600, replace=False)
    kept = np.concatenate([np.sort(kept), np.arange(count - 16, count)])
    return {
        "m0": readings["m0"],
        "m1": thin(readings["m1"], 3, from_=1),
        "m2": replace(readings["m2"], timestamps=readings["m2"].timestamps + np.timedelta64(200, "s")),
        "m3": Readings(timestamps=readings["m3"].timestamps[kept], values=readings["m3"].values[kept]),
    }


def test_who_has_not_been_read_since_does_not_speak() -> None:
    """The others' readings come a minute later: until then nothing is known, and then it is the machine."""
    readings = simulate("machine", seed=4, after=0)
    late = {
        name: Readings(timestamps=it.timestamps[:-1], values=it.values[:-1]) if name != "m0" else it
        for name, it in readings.items()
    }

    assert judge(late).judgement is Judgement.UNKNOWN
    assert judge(readings).judgement is Judgement.MACHINE
    assert not judge(readings).is_settled
    assert judge(simulate("machine", seed=4, after=12)).is_settled


def test_who_stands_still_cannot_say_that_nothing_happened() -> None:
    """The only partner is stuck while the machine changes: no sensor is suspected."""
    readings = simulate("machine", seed=4, metrics=2)
    stuck = readings["m1"].values.copy()
    stuck[-30:] = stuck[-30]

    assert judge(readings | {"m1": replace(readings["m1"], values=stuck)}).judgement is Judgement.UNKNOWN


def test_what_comes_long_after_changes_nothing() -> None:
    """Beyond the cells that are looked ahead, the future is cut off."""
    long, short = (simulate("none", seed=9, after=after) for after in (200, 12))
    cut = {name: it.between(None, ONSET + 12 * STEP) for name, it in long.items()}

    assert judge(long) == judge(cut)
    assert judge(short).is_settled


def test_too_little_before_an_alarm_is_said() -> None:
    """A device of a day, a series of two readings, one that reads a hundred times less often."""
    day = simulate("machine", seed=1, before=144)
    two = {name: it.between(ONSET - STEP, ONSET) for name, it in simulate("machine", seed=1).items()}
    slow = simulate("machine", seed=1)
    slow["m1"] = thin(slow["m1"], 100)

    assert judge(day).reason is Reason.TOO_LITTLE
    assert judge(two).reason is Reason.TOO_LITTLE
    assert "too little" in tell_device(judge(day))
    assert "m1" not in {it.metric for it in judge(slow).agreeing}


def test_constants_and_empty_series_disturb_nobody() -> None:
    """A set point that never moved, and one that moved only now."""
    readings = simulate("machine", seed=2)
    stamps = readings["m0"].timestamps
    constant = Readings(timestamps=stamps, values=np.full(len(stamps), 0.1))
    jumped = replace(constant, values=np.where(stamps >= to_instant(ONSET), 5.0, 0.1))
    nothing = Readings(timestamps=stamps[:0], values=constant.values[:0])
    evidence = judge(readings | {"set": constant, "valve": jumped, "gone": nothing})

    assert evidence.judgement is Judgement.MACHINE
    assert {"set", "gone"}.isdisjoint(move.metric for move in evidence.moved)
    assert next(move for move in evidence.moved if move.metric == "valve").direction is Direction.UP
    alone = judge_device(
        {"m0": jumped, "m1": readings["m1"]}, alarms={"m0": ONSET, "m1": ONSET + timedelta(hours=9)}, policy=POLICY
    )
    assert tell_device(alone).startswith("m0 moved up from where it always was")


def test_one_witness_is_given_time() -> None:
    """Of two metrics that agree one moves: its sensor is suspected only once all that may follow is known."""
    early = [judge(simulate("shift", seed=seed, after=2, metrics=2)) for seed in SEEDS]
    late = [judge(simulate("shift", seed=seed, after=12, metrics=2)) for seed in SEEDS]

    assert sum(evidence.reason is Reason.ONE_WITNESS for evidence in early) >= 16
    assert not any(evidence.suspect for evidence in early)
    assert sum(evidence.suspect == "m0" for evidence in late) >= 16
