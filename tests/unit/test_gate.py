"""The gate: healthy challengers pass, spoilt ones do not, and each refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.gate.alarm_counts import AlarmCount, count_episodes
from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.injection import EVENT_READINGS, FAULTS, MAGNITUDES, inject_faults
from ml_core.domain.gate.questions import GateCase, GateReport, examine, examine_first, loss_by_chance
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.training.training_window import choose_gold

POLICY = GatePolicy()
OPTIONS = FitOptions(n_estimators=50)
DETECTOR = IsolationForestDetector()
WINDOW, WEEK = 4032, 1008


def readings(values: NDArray[np.float64], start: int = 0) -> Readings:
    """Readings ten minutes apart."""
    steps = (start + np.arange(len(values))) * np.timedelta64(600, "s")
    return Readings(timestamps=np.datetime64("2025-01-01", "us") + steps, values=values)


def contender(window: Readings) -> Contender:
    """A model of a window."""
    return Contender(detector=DETECTOR, artifact=DETECTOR.fit(window, OPTIONS))


def make_case(spoil: Callable[[NDArray[np.float64]], object] | None = None, *, seed: int = 3) -> GateCase:
    """A champion of four weeks, and a challenger a week later whose newest week may be spoilt in place."""
    noise = np.random.default_rng(seed).normal(size=WINDOW + WEEK + 500)
    values: NDArray[np.float64] = 20.0 + lfilter([1.0], [1.0, -0.7], noise)[500:]
    if spoil:
        spoil(values[-WEEK:])
    first, later = readings(values[:WINDOW]), readings(values[WEEK:], WEEK)
    champion, challenger = contender(first), contender(later)
    return GateCase(
        challenger=challenger,
        reloaded=challenger,
        training=later,
        fresh=readings(values[-WEEK:], WINDOW),
        target_alarm_rate=OPTIONS.target_alarm_rate,
        min_readings=OPTIONS.min_readings,
        gold=choose_gold(first, champion.score(first), POLICY.gold_readings),
        champion=champion,
        champion_flat_run=1,
    )


def refused(report: GateReport) -> set[str]:
    """The numbers of the refused questions."""
    return {check.name.split()[0] for check in report.checks if not check.passed}


def test_healthy_challenger_passes() -> None:
    """A week of the same machine changes nothing, and every question has an answer in words."""
    report = examine(make_case(), POLICY)

    assert report.passed, report.reason
    assert report.reason == "passed all 9 checks of the gate"
    assert all(check.reason for check in report.checks)


def _shift(week: NDArray[np.float64]) -> None:
    week[500:] += 3.0


def _noise(week: NDArray[np.float64]) -> None:
    week[500:] += np.random.default_rng(1).normal(0, 4, week.size - 500)


def _stick(week: NDArray[np.float64]) -> None:
    week[500:] = week[500]


def _change_unit(week: NDArray[np.float64]) -> None:
    week[500:] = week[500:] * 1.8 + 32


def _burst(week: NDArray[np.float64]) -> None:
    week[300:340] += 12.0


def _ramp(week: NDArray[np.float64]) -> None:
    week += np.linspace(0, 6, week.size)


@pytest.mark.parametrize(
    ("spoil", "by"),
    [(_shift, "G3"), (_noise, "G3"), (_stick, "G3"), (_change_unit, "G3"), (_burst, "G2"), (_ramp, "G3")],
)
def test_spoilt_week_is_refused(spoil: Callable[[NDArray[np.float64]], object], by: str) -> None:
    """Each fault in the newest week is refused by the question that is meant for it."""
    report = examine(make_case(spoil), POLICY)

    assert by in refused(report)
    assert by in report.reason


def test_slow_series_is_unknown_not_drifted() -> None:
    """Where too few independent readings are there, drift is unknown and refuses nothing by itself."""
    noise = np.random.default_rng(5).normal(size=4000)
    slow: NDArray[np.float64] = lfilter([1.0], [1.0, -0.999], noise)
    first, later = readings(slow[:2000]), readings(slow[2000:], 2000)
    model = contender(later)
    case = GateCase(
        challenger=model,
        reloaded=model,
        training=later,
        fresh=later,
        target_alarm_rate=0.001,
        min_readings=200,
        gold=first,
    )

    drift = next(check for check in examine(case, POLICY).checks if "drift" in check.name)

    assert drift.passed
    assert drift.reason.startswith("unknown")


def test_too_little_data_is_refused() -> None:
    """G0 names both figures."""
    case = make_case()

    report = examine(replace(case, min_readings=WINDOW + 1), POLICY)

    assert refused(report) == {"G0"}
    assert "4032 readings, 4033 are needed" in report.reason


def _with_threshold(contender: Contender, factor: float) -> Contender:
    metadata = dict(contender.artifact.metadata)
    metadata["threshold"] = metadata["threshold"] * factor
    return replace(contender, artifact=replace(contender.artifact, metadata=metadata))


def test_loud_challenger_is_refused() -> None:
    """G1: a challenger that calls clean readings anomalous does not serve."""
    case = make_case()
    loud = _with_threshold(case.challenger, 0.6)

    assert "G1" in refused(examine(replace(case, challenger=loud, reloaded=loud), POLICY))


def test_deaf_challenger_is_refused() -> None:
    """G2: a challenger that misses the faults which the champion finds does not serve."""
    case = make_case()
    deaf = _with_threshold(case.challenger, 20.0)

    assert refused(examine(replace(case, challenger=deaf, reloaded=deaf), POLICY)) == {"G2"}


def test_verdicts_of_people_count() -> None:
    """G4: what a person confirmed must still be found, and known false alarms must not come back."""
    case = make_case()
    strange, common = readings(np.array([45.0, 46.0])), readings(np.array([20.0, 20.1]))
    deaf, loud = _with_threshold(case.challenger, 20.0), _with_threshold(case.challenger, 0.2)

    def verdict_on(challenger: Contender) -> bool:
        judged = replace(case, challenger=challenger, confirmed=strange, false_alarms=common)
        report = examine(replace(judged, reloaded=challenger), POLICY)
        return "G4" not in refused(report)

    assert verdict_on(case.challenger)
    assert not verdict_on(deaf)
    assert not verdict_on(loud)


def test_other_order_of_strangeness_is_refused() -> None:
    """G5: a challenger that finds strange what the champion finds common was trained on something else."""
    case = make_case()
    elsewhere = contender(readings(case.training.values * 0.05 + 200.0))

    assert "G5" in refused(examine(replace(case, challenger=elsewhere, reloaded=elsewhere), POLICY))


def test_artifact_that_answers_otherwise_is_refused() -> None:
    """G6: what the store gives back must answer exactly as what was trained."""
    case = make_case()
    changed = replace(case, reloaded=_with_threshold(case.challenger, 1.0001))

    assert refused(examine(changed, POLICY)) == {"G6"}
    assert refused(examine_first(changed)) == {"G6"}


def test_first_model_needs_no_champion() -> None:
    """Without champion and gold only what can be asked is asked, and it says so."""
    case = replace(make_case(), champion=None, gold=None, champion_flat_run=None)

    report = examine(case, POLICY)

    assert report.passed
    assert sum("not compared" in check.reason for check in report.checks) == 6
    assert examine_first(case).passed


def test_table_is_plain_json() -> None:
    """The gate's table is kept as evidence: names, verdicts, figures, reasons."""
    rows = examine(make_case(), POLICY).to_json()["gate"]

    assert {key for row in rows for key in row} == {"check", "passed", "value", "threshold", "reason"}
    assert [row["check"][:2] for row in rows] == ["G0", "G1", "G2", "G3", "G3", "G3", "G4", "G5", "G6"]


def test_faults_are_the_same_every_time() -> None:
    """Each kind at each size, at the same places, and only there."""
    clean = make_case().gold
    assert clean is not None

    faults, again = inject_faults(clean), inject_faults(clean)

    assert [(fault.kind, fault.magnitude) for fault in faults] == [(k, m) for k in FAULTS for m in MAGNITUDES]
    for fault, same in zip(faults, again, strict=True):
        np.testing.assert_array_equal(fault.readings.values, same.readings.values)
        changed = np.flatnonzero(fault.readings.values != clean.values)
        inside = np.concatenate([np.arange(event.start, event.stop) for event in fault.events])
        assert set(changed) <= set(inside)


def test_recall_counts_events() -> None:
    """One alarm inside an event finds it; alarms elsewhere find nothing."""
    clean = make_case().gold
    assert clean is not None
    fault = inject_faults(clean)[0]
    alarms = np.zeros(len(clean), dtype=bool)
    alarms[fault.events[0].start + 3] = True
    alarms[0] = True

    assert fault.recall(alarms) == pytest.approx(1 / len(fault.events))


def test_short_gold_has_no_room_for_faults() -> None:
    """Fewer than two stretches hold no event, and nothing is injected."""
    assert inject_faults(readings(np.arange(EVENT_READINGS * 2 - 1.0))) == []


def test_alarms_that_belong_together_are_one_episode() -> None:
    """Ten quiet readings end an episode; fewer do not."""
    alarms = np.zeros(100, dtype=bool)
    alarms[[5, 6, 15, 40]] = True

    assert count_episodes(alarms) == 2
    assert count_episodes(np.zeros(5, dtype=bool)) == 0


def test_chance_grows_with_the_readings() -> None:
    """What chance explains at the target rate rises with how much was looked at."""
    few, many = (AlarmCount(readings=n, alarms=0, episodes=0) for n in (1000, 100_000))

    assert few.most_by_chance(0.001, 0.001) == 5
    assert 100 < many.most_by_chance(0.001, 0.001) < 150


@given(recall=st.floats(0, 1), events=st.integers(1, 500))
def test_chance_explains_less_the_more_events_there_are(recall: float, events: int) -> None:
    """Two samples of few events differ by luck; none where both find all or nothing."""
    few, many = (loss_by_chance(recall, n, 0.001) for n in (events, 2 * events))

    assert 0 <= many <= few
    assert loss_by_chance(1.0, events, 0.001) == loss_by_chance(0.0, events, 0.001) == 0
