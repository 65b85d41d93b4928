"""The adaptive detector: one answer however readings arrive, no look-ahead, and rules for what is irregular."""

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_core.domain.detectors.adaptive.fleet import advance_fleet
from ml_core.domain.detectors.adaptive.layout import STATE, new_state
from ml_core.domain.detectors.adaptive_detector import AdaptiveDetector
from ml_core.domain.detectors.artifact_format import decode, encode
from ml_core.domain.detectors.detector import EMPTY_STATE, FitOptions, ModelArtifact
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.domain.scoring.scored_answer import check_answer
from ml_core.domain.series import Readings
from ml_core.errors import DetectorStateError

DETECTOR = AdaptiveDetector()
START = np.datetime64("2025-03-03T00:00", "us")
MINUTE_US = 60_000_000


def make_readings(values: np.ndarray, *, step_s: float = 600.0, start: np.datetime64 = START) -> Readings:
    """Readings at an even pace."""
    offsets = (np.arange(len(values)) * step_s * 1e6).astype("timedelta64[us]")
    return Readings(timestamps=start + offsets, values=np.asarray(values, dtype=np.float64))


def part(readings: Readings, begin: int, end: int | None = None) -> Readings:
    """The readings begin .. end - 1."""
    return Readings(timestamps=readings.timestamps[begin:end], values=readings.values[begin:end])


def daily_values(n: int, *, seed: int = 0, step_s: float = 600.0) -> np.ndarray:
    """A daily swing with noise that remembers."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(n)
    for i, shock in enumerate(rng.normal(0, 0.4, n)):
        noise[i] = 0.6 * noise[i - 1] + shock
    return 20 + 5 * np.sin(2 * np.pi * np.arange(n) * step_s / 86_400) + noise


TRAINING = make_readings(daily_values(1500))
ARTIFACT = DETECTOR.fit(TRAINING, FitOptions())
LATER = make_readings(daily_values(2500))


def alarms(scored: ScoredReadings) -> list[int]:
    """Positions of alarms."""
    return np.flatnonzero(scored.is_anomaly).tolist()


def score_from(artifact: ModelArtifact, batch: Readings, cuts: list[int]) -> tuple[list[ScoredReadings], bytes]:
    """The answers to the parts of a batch cut at these positions, the state saved and read between them."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(batch)}), len(batch)]
    state, answers = EMPTY_STATE, []
    for begin, end in pairwise(edges):
        scored, state = DETECTOR.update(artifact, bytes(state), part(batch, begin, end))
        answers.append(scored)
    return answers, state


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal to the last bit, NaN with NaN."""
    return one.tobytes() == other.tobytes()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(1, 299), max_size=8),
    step_s=st.sampled_from([1.0, 7.0, 600.0]),
)
def test_batch_stream_and_restart_give_the_same_bits(seed: int, cuts: list[int], step_s: float) -> None:
    """However readings are cut into batches, answers and state are the same: a restart is no restart."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, 900) + 8 * (rng.random(900) < 0.01)
    readings = make_readings(values, step_s=step_s)
    artifact = DETECTOR.fit(part(readings, 0, 600), FitOptions())
    new = part(readings, 600)
    whole, state = DETECTOR.update(artifact, EMPTY_STATE, new)
    answers, state_of_parts = score_from(artifact, new, cuts)
    for name in ("scores", "confidences", "severities", "band_low", "band_high", "holds"):
        assert same_bits(getattr(whole, name), np.concatenate([getattr(answer, name) for answer in answers])), name
    assert state == state_of_parts
    assert [reason for _, reason in sorted(whole.reasons.items())] == [
        reason for answer in answers for _, reason in sorted(answer.reasons.items())
    ]


def test_one_by_one_is_the_batch() -> None:
    """A reading a call gives what one call gives."""
    new = part(LATER, 1500, 1700)
    whole, state = DETECTOR.update(ARTIFACT, EMPTY_STATE, new)
    answers, state_of_parts = score_from(ARTIFACT, new, list(range(1, 200)))
    assert same_bits(whole.scores, np.concatenate([answer.scores for answer in answers]))
    assert state == state_of_parts


@settings(deadline=None, max_examples=20)
@given(cut=st.integers(1, 999), seed=st.integers(0, 1000))
def test_no_look_ahead(cut: int, seed: int) -> None:
    """What comes later changes no answer that was given."""
    new = part(LATER, 1500)
    other = replace(new, values=new.values.copy())
    other.values[cut:] += np.random.default_rng(seed).normal(0, 50, len(new) - cut)
    one, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, new)
    two, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, other)
    assert same_bits(one.scores[:cut], two.scores[:cut])
    assert same_bits(one.band_high[: cut + 1], two.band_high[: cut + 1])


def test_the_answer_is_one_the_platform_takes_and_the_artifact_survives_the_store() -> None:
    """Finite scores, JSON reasons; an artifact read back answers as the one in memory."""
    new = part(LATER, 1500)
    spiked = replace(new, values=np.where(np.arange(len(new)) == 400, 60.0, new.values))
    scored, state = DETECTOR.update(ARTIFACT, EMPTY_STATE, spiked)
    check_answer(scored, state, spiked)
    assert len(state) == STATE.itemsize <= 16 * 1024
    again, _ = DETECTOR.update(decode(encode(ARTIFACT)), EMPTY_STATE, spiked)
    assert same_bits(scored.scores, again.scores)


def test_a_normal_continuation_is_quiet_and_faults_are_not() -> None:
    """Normal readings stay within the budget; spike, shift, burst and a stuck sensor alarm where they begin."""
    normal = part(LATER, 1500).values
    quiet, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, part(LATER, 1500))
    assert len(alarms(quiet)) <= 2
    i = np.arange(1000)
    faults = {
        "spike": np.where(i == 500, normal + 15, normal),
        "shift": np.where(i >= 500, normal + 6, normal),
        "burst": np.where(i >= 500, normal + np.random.default_rng(5).normal(0, 4, 1000), normal),
        "stuck": np.where(i >= 500, normal[500], normal),
    }
    for name, values in faults.items():
        scored, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, make_readings(values, start=LATER.timestamps[1500]))
        assert any(500 <= position < 600 for position in alarms(scored)), name


def test_an_alarm_says_why_in_words_and_figures() -> None:
    """Which output spoke, the leading features with value, expectation and tail probability."""
    new = part(LATER, 1500, 1600)
    spiked = replace(new, values=new.values + np.where(np.arange(100) == 50, 40.0, 0.0))
    scored, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, spiked)
    reason = scored.reasons[50]
    assert reason["output"] == "adaptive"
    assert reason["value"] == pytest.approx(scored.values[50])
    assert reason["band_low"] < reason["band_high"] < reason["value"]
    assert reason["evidence"] >= reason["threshold"] > 0
    names = [feature["feature"] for feature in reason["features"]]
    assert {"level", "innovation", "season"} & set(names)
    rarities = [feature["tail_probability"] for feature in reason["features"]]
    assert rarities == sorted(rarities)
    assert rarities[0] < 1e-3
    assert "above" in reason["text"]
    json.dumps(reason, allow_nan=False)
    assert scored.severities[50] > 5


def test_a_fault_that_goes_on_is_one_alarm_that_holds() -> None:
    """Alarms come while the evidence still grows, then no more, while the held score keeps the episode open."""
    new = part(LATER, 1500, 1700)
    values = new.values + np.where(np.arange(200) >= 100, 30.0, 0.0)
    scored, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, replace(new, values=values))
    after = [position for position in alarms(scored) if position >= 100]
    assert after
    assert after[-1] < 120
    assert scored.holds is not None
    assert scored.holds[after[-1] + 1 : 150].all()


def test_a_late_reading_is_looked_at_and_not_learned() -> None:
    """It is scored against what is known, and state and later answers are as if it had not come."""
    first, rest = part(LATER, 1500, 1550), part(LATER, 1551, 1600)
    _, state = DETECTOR.update(ARTIFACT, EMPTY_STATE, first)
    late = Readings(timestamps=first.timestamps[20:21] + np.timedelta64(1, "s"), values=np.array([95.0]))
    answer, after_late = DETECTOR.update(ARTIFACT, state, late)
    assert after_late == state
    assert answer.is_anomaly.all()
    with_late, _ = DETECTOR.update(ARTIFACT, after_late, rest)
    without, _ = DETECTOR.update(ARTIFACT, state, rest)
    assert same_bits(with_late.scores, without.scores)


def test_the_first_reading_after_a_gap_is_not_held_against_the_last_before_it() -> None:
    """A machine that was off for a day and comes back elsewhere in its daily swing makes no step."""
    before, after = part(LATER, 1500, 1600), part(LATER, 1672)
    _, state = DETECTOR.update(ARTIFACT, EMPTY_STATE, before)
    scored, _ = DETECTOR.update(ARTIFACT, state, part(after, 0, 1))
    assert not scored.is_anomaly.any()


def test_fast_readings_are_averaged_first() -> None:
    """At one a second, a bucket of ten seconds is answered by the reading that comes after it."""
    rng = np.random.default_rng(3)
    readings = make_readings(rng.normal(0, 1, 6000), step_s=1.0)
    artifact = DETECTOR.fit(part(readings, 0, 4000), FitOptions())
    new = part(readings, 4000)
    spiked = replace(new, values=new.values + np.where((np.arange(2000) >= 1000) & (np.arange(2000) < 1010), 12.0, 0.0))
    scored, _ = DETECTOR.update(artifact, EMPTY_STATE, spiked)
    assert alarms(scored)[0] == 1010
    assert all(position % 10 == 0 for position in alarms(scored))
    each, _ = DETECTOR.update(
        DETECTOR.fit(part(readings, 0, 4000), FitOptions(aggregate_below_s=0)), EMPTY_STATE, spiked
    )
    assert alarms(each)[0] == 1000


def test_a_late_reading_of_a_closed_bucket_is_not_taken_for_one() -> None:
    """Readings that come a batch too late leave the state as it was, and raise no alarm of their own."""
    rng = np.random.default_rng(0)
    values = rng.normal(20, 1, 30_000)
    every = make_readings(values, step_s=1.0)
    artifact = DETECTOR.fit(part(every, 0, 15_000), FitOptions())
    in_time = np.ones(15_000, dtype=bool)
    in_time[rng.choice(15_000 - 300, 300, replace=False)] = False
    state = late_state = EMPTY_STATE
    held_back = np.zeros(len(every), dtype=bool)
    alarmed = 0
    for begin in range(15_000, 30_000, 300):
        now = np.zeros(len(every), dtype=bool)
        now[begin : begin + 300] = in_time[begin - 15_000 : begin - 14_700]
        _, state = DETECTOR.update(artifact, state, Readings(timestamps=every.timestamps[now], values=values[now]))
        both = now | held_back
        batch = Readings(timestamps=every.timestamps[both], values=values[both])
        scored, late_state = DETECTOR.update(artifact, late_state, batch)
        alarmed += len(alarms(scored))
        held_back[:] = False
        # Of the bucket that is open at the end of a batch, a reading may still come.
        closed = begin + 300 - 10
        held_back[begin:closed] = ~in_time[begin - 15_000 : closed - 15_000]
    assert (late_state, alarmed) == (state, 0)


def test_a_daily_profile_follows_the_sites_clock_over_the_change_to_summer_time() -> None:
    """A shift at six by the wall clock is usual on both sides of the change, in the site's time zone only."""
    start = np.datetime64("2025-03-10T00:00", "us")
    utc = start + (np.arange(28 * 144) * 10 * MINUTE_US).astype("timedelta64[us]")
    change = np.datetime64("2025-03-30T01:00", "us")
    hour = ((utc - start).astype(np.int64) / 3.6e9 + np.where(utc >= change, 2, 1)) % 24
    values = np.where((hour >= 6) & (hour < 14), 80.0, 20.0) + np.random.default_rng(1).normal(0, 1.0, utc.size)
    readings = Readings(timestamps=utc, values=values)
    split = int(np.searchsorted(utc, change - np.timedelta64(1, "D")))
    # The first days after the change only: a profile in the wrong time zone would learn the new times too.
    after = part(readings, split, split + 3 * 144)

    def widest(timezone: str) -> float:
        artifact = DETECTOR.fit(part(readings, 0, split), FitOptions(timezone=timezone))
        scored, _ = DETECTOR.update(artifact, EMPTY_STATE, after)
        outside = (after.values > scored.band_high) | (after.values < scored.band_low)
        return float(outside.mean())

    assert widest("Europe/Berlin") < 0.02
    assert widest("UTC") > 0.05


def test_a_state_of_another_version_is_refused_by_name() -> None:
    """Bytes that are no state of this version say so."""
    with pytest.raises(DetectorStateError, match="14"):
        DETECTOR.update(ARTIFACT, b"\x00" * 14, part(LATER, 1500, 1501))
    with pytest.raises(DetectorStateError, match="version 0"):
        DETECTOR.update(ARTIFACT, b"\x00" * STATE.itemsize, part(LATER, 1500, 1501))


def test_compiled_and_interpreted_code_agree() -> None:
    """The machine code answers as the Python that it was made of."""
    code = (
        "import numpy as np\n"
        "from ml_core.domain.detectors.adaptive.fleet import advance_fleet\n"
        "from ml_core.domain.detectors.adaptive.layout import new_state\n"
        "rng = np.random.default_rng(7)\n"
        "values = 5 + rng.normal(0, 1, 1300) + 9 * (rng.random(1300) < 0.01)\n"
        "times = np.datetime64('2025-01-01', 'us') + (np.arange(1300) * 3_000_000_000).astype('timedelta64[us]')\n"
        "state = new_state(center=5.0, scale=1.0, gap_us=10**11, bucket_us={bucket})\n"
        "state = state.view(np.recarray) if {interpreted} else state\n"
        "traces = advance_fleet(state, [1300], times, values)\n"
        "print(*(float(score) for score in traces.scores[::13]))\n"
    )
    for bucket in (0, 6_000_000_000):
        told = []
        for interpreted in (0, 1):
            run = subprocess.run(
                [sys.executable, "-c", code.format(bucket=bucket, interpreted=interpreted)],
                env={**os.environ, "NUMBA_DISABLE_JIT": str(interpreted)},
                capture_output=True,
                text=True,
                check=True,
            )
            told.append(np.array(run.stdout.split(), dtype=float))
        # Python rounds some steps to the state's 32 bits that machine code takes with 64.
        np.testing.assert_allclose(told[0], told[1], rtol=1e-4, atol=1e-6)
        assert told[0].max() > 0.5


@pytest.mark.parametrize("sentinel", [1.7976931348623157e308, -1.7976931348623157e308])
def test_the_largest_number_there_is_is_an_alarm_and_not_the_end_of_scoring(sentinel: float) -> None:
    """A device that says so when it cannot measure is told like any other fault, however fine its scale."""
    artifact = DETECTOR.fit(make_readings(daily_values(1500) / 1000), FitOptions())
    later = make_readings(np.append(daily_values(1700)[1500:] / 1000, sentinel), start=TRAINING.timestamps[-1])
    batch = part(later, 1)
    scored, state = DETECTOR.update(artifact, EMPTY_STATE, batch)
    check_answer(scored, state, batch)
    assert alarms(scored)[-1] == len(batch) - 1
    assert scored.severities[-1] > 1e50


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_compiled_code_that_was_cut_off_on_disk_is_made_anew(tmp_path: Path, suffix: str) -> None:
    """A power cut may leave such files: the next process answers all the same, and mends them."""
    code = "import sys\nsys.path.insert(0, '.')\nimport doubling\nprint(doubling.double(21))\n"
    (tmp_path / "doubling.py").write_text(
        "from ml_core.domain.detectors.adaptive.compiled import compiled\n"
        "@compiled\ndef double(value):\n    return 2 * value\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def ask() -> str:
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert run.stdout == "42\n"
        return run.stderr

    assert ask() == ""
    (kept,) = (tmp_path / "cache").rglob(f"*.{suffix}")
    kept.write_bytes(b"")
    assert "made anew" in ask()
    assert ask() == ""


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_fleet_form_is_each_series_alone(workers: int) -> None:
    """Many series in one call, by however many threads, with none, one or many new readings each."""
    rng = np.random.default_rng(11)
    counts = [0, 1, 700, 3, 0, 250]
    states = np.concatenate(
        [new_state(center=float(i), scale=1.0 + i, gap_us=10**12, bucket_us=0) for i in range(len(counts))]
    )
    alone = states.copy()
    stamps = np.concatenate([START + (np.arange(n) * 600_000_000).astype("timedelta64[us]") for n in counts])
    values = rng.normal(0, 3, sum(counts))
    together = advance_fleet(states, counts, stamps, values, workers=workers)
    begin = 0
    for i, n in enumerate(counts):
        where = slice(begin, begin + n)
        each = advance_fleet(alone[i : i + 1], [n], stamps[where], values[where])
        assert same_bits(each.scores, together.scores[where])
        assert same_bits(each.bands, together.bands[where])
        begin += n
    assert states.tobytes() == alone.tobytes()


def test_a_backlog_takes_little_more_memory_than_its_answers() -> None:
    """Two weeks of five hundred series after an outage: what is noted of each reading is not kept of all at once."""
    n, series = 100_000, 8
    batch = make_readings(np.random.default_rng(3).normal(20, 5, n), step_s=60.0)
    tracemalloc.start()
    answers = DETECTOR.update_fleet([(ARTIFACT, EMPTY_STATE, batch)] * series)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answers) == series
    assert peak / (n * series) < 220


def test_a_fleet_of_artifacts_is_each_update_alone() -> None:
    """Series of two time zones in one call: the same answers, reasons and states as one at a time."""
    asked = []
    for seed, zone in ((1, "UTC"), (2, "Asia/Tokyo"), (3, "UTC")):
        readings = make_readings(daily_values(700, seed=seed))
        artifact = DETECTOR.fit(part(readings, 0, 500), FitOptions(timezone=zone))
        values = readings.values[500:] + np.where(np.arange(200) == 60 * seed, 40.0, 0.0)
        asked.append((artifact, EMPTY_STATE, Readings(timestamps=readings.timestamps[500:], values=values)))
    together = DETECTOR.update_fleet(asked)
    for (scored, state), ask in zip(together, asked, strict=True):
        alone, state_alone = DETECTOR.update(*ask)
        assert same_bits(scored.scores, alone.scores)
        assert scored.reasons == alone.reasons != {}
        assert state == state_alone


def test_readings_that_were_trained_on_before_they_were_scored_can_alarm() -> None:
    """A retrain that overtakes the scoring does not make its backlog late, and a fault in it is told."""
    backlog = part(LATER, 1300, 1600)
    values = backlog.values + np.where(np.arange(300) == 150, 40.0, 0.0)
    scored, _ = DETECTOR.update(ARTIFACT, EMPTY_STATE, replace(backlog, values=values))
    assert 150 in alarms(scored)
    answers, _ = score_from(ARTIFACT, replace(backlog, values=values), [100, 151])
    assert same_bits(scored.scores, np.concatenate([answer.scores for answer in answers]))


def test_a_model_of_another_release_serves_on_from_a_cold_state() -> None:
    """Where its first state has another layout, the detector warms up on what it scores."""
    arrays = {**ARTIFACT.arrays, "first_state": np.zeros(7, dtype=np.uint8)}
    scored, state = DETECTOR.update(replace(ARTIFACT, arrays=arrays), EMPTY_STATE, part(LATER, 1500))
    check_answer(scored, state, part(LATER, 1500))
    assert scored.confidences[-100:].max() > 0
