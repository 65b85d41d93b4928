"""The rates that follow from people's verdicts, with their numbers and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.reviews.detection_quality import estimate_quality
from ml_core.domain.reviews.operator_verdict import VerdictCounts
from ml_core.domain.reviews.proportion import wilson_interval

COUNTS = st.integers(0, 200)


def reviewed(*, confirmed: int = 0, false_alarm: int = 0, missed: int = 0, normal: int = 0) -> VerdictCounts:
    """One alarm an episode, and hours of one reading each, all drawn."""
    return VerdictCounts(
        confirmed=confirmed,
        false_alarm=false_alarm,
        reviews=confirmed + false_alarm,
        alarm_squares=confirmed + false_alarm,
        missed=missed,
        normal=normal,
        audit_weight=missed + normal,
        normal_weight=normal,
        audit_weight_squares=missed + normal,
    )


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.integers(1, 10_000), st.floats(0, 1))
def test_rates_are_shares_within_their_intervals(
    confirmed: int, false: int, missed: int, normal: int, scored: int, share: float
) -> None:
    """Each lies between 0 and 1, and between its bounds, wherever it can be told."""
    counts = reviewed(confirmed=confirmed, false_alarm=false, missed=missed, normal=normal)
    quality = estimate_quality(counts, scored=scored, flagged=int(scored * share), min_reviews=1)

    for rate in (quality.precision, quality.false_positive_rate, quality.miss_rate, quality.accuracy):
        if rate.value is None or rate.low is None or rate.high is None:
            assert rate.reason
        else:
            assert -1e-9 <= rate.low <= rate.value + 1e-9
            assert rate.value - 1e-9 <= rate.high <= 1 + 1e-9


def test_the_rates_by_hand() -> None:
    """Of 10,000 readings 100 were flagged, half of them falsely; of the 9,900 others one in forty was missed."""
    quality = estimate_quality(
        reviewed(confirmed=15, false_alarm=15, missed=1, normal=39), scored=10_000, flagged=100, min_reviews=20
    )

    assert quality.precision.value == pytest.approx(0.5)
    assert quality.false_positive_rate.value == pytest.approx(50 / (50 + 9_900 * 39 / 40))
    assert quality.miss_rate.value == pytest.approx(247.5 / (50 + 247.5))
    assert quality.accuracy.value == pytest.approx((50 + 9_900 * 39 / 40) / 10_000)
    assert str(quality.precision) == "50.0% (n = 30, 33.2% to 66.8%)"


def test_without_audits_what_is_not_flagged_is_taken_for_normal() -> None:
    """So the false positive rate can be told from reviews of alarms alone; misses and accuracy cannot."""
    quality = estimate_quality(reviewed(confirmed=15, false_alarm=15), scored=10_000, flagged=100, min_reviews=20)

    assert quality.false_positive_rate.value == pytest.approx(50 / 9_950)
    assert quality.miss_rate.value is None
    assert quality.accuracy.value is None
    assert quality.accuracy.reason == "not enough audited hours, 20 are needed"


@pytest.mark.parametrize("reviews", [0, 19])
def test_below_twenty_there_is_no_rate(reviews: int) -> None:
    """Not enough reviews is an answer; a flattering figure is none."""
    quality = estimate_quality(reviewed(confirmed=reviews), scored=1000, flagged=100, min_reviews=20)

    assert quality.precision.value is None
    assert str(quality.precision) == f"not enough reviews of alarms, 20 are needed (n = {reviews})"


def test_where_every_alarm_has_its_verdict_false_alarms_are_counted() -> None:
    """Six episodes of 16 alarms, one of them false, in 2,286 readings; with one alarm untold there is no rate."""
    counts = VerdictCounts(confirmed=15, false_alarm=1, reviews=6, alarm_squares=5 * 9 + 1)
    whole = estimate_quality(counts, scored=2286, flagged=16, min_reviews=20)
    rate = whole.false_positive_rate

    assert rate.n == 6
    assert rate.value == pytest.approx(1 / 2271)
    # A flagged reading comes with 46 / 16 on average, itself included, so the 2,271 normal ones weigh as 790.
    assert (rate.low, rate.high) == pytest.approx(wilson_interval(1 / 2271, 2271 * 16 / 46))
    assert whole.precision.value is None
    assert estimate_quality(counts, scored=2286, flagged=17, min_reviews=20).false_positive_rate.value is None


def test_where_every_alarm_has_its_verdict_accuracy_rests_on_the_audit() -> None:
    """Six alarms and forty audited hours: there are no more to wait for; with one alarm untold there is no rate."""
    counts = reviewed(confirmed=4, false_alarm=2, missed=1, normal=39)
    whole = estimate_quality(counts, scored=2_006, flagged=6, min_reviews=20)
    part = estimate_quality(counts, scored=2_006, flagged=7, min_reviews=20)

    assert whole.accuracy.value == pytest.approx((4 + 2_000 * 39 / 40) / 2_006)
    assert whole.miss_rate.value == pytest.approx(50 / 54)
    assert whole.precision.value is None
    assert (part.accuracy.value, part.miss_rate.value) == (None, None)


def test_a_hundred_alarms_of_one_episode_are_one_review() -> None:
    """They came together, so they are no hundred independent cases."""
    counts = VerdictCounts(confirmed=100, reviews=1, alarm_squares=10_000)

    assert estimate_quality(counts, scored=1000, flagged=100, min_reviews=20).precision.value is None


def test_rarely_drawn_hours_count_for_more_and_the_estimate_is_not_biased() -> None:
    """Days of few and days of many hours are audited alike: weighted by how they were drawn, the mean is the truth."""
    rng = np.random.default_rng(5)
    days = [(200, 0.02), (2_000, 0.2)]
    estimates, naive = [], []
    for _ in range(400):
        weights, missed = [], []
        for hours, share in days:
            drawn = 60
            found = rng.random(drawn) < share
            weights += [hours / drawn * 10] * drawn
            missed += found.tolist()
        weight, miss = np.array(weights), np.array(missed)
        counts = VerdictCounts(
            confirmed=30,
            reviews=30,
            alarm_squares=30,
            missed=int(miss.sum()),
            normal=int((~miss).sum()),
            audit_weight=float(weight.sum()),
            normal_weight=float(weight[~miss].sum()),
            audit_weight_squares=float((weight**2).sum()),
        )
        accuracy = estimate_quality(counts, scored=22_000, flagged=0, min_reviews=20).accuracy.value
        assert accuracy is not None
        estimates.append(1 - accuracy)
        naive.append(miss.mean())

    truth = (200 * 0.02 + 2_000 * 0.2) / 2_200
    assert np.mean(estimates) == pytest.approx(truth, abs=0.01)
    assert abs(np.mean(naive) - truth) > 0.05


def test_where_nothing_was_flagged_the_audit_alone_tells_of_misses() -> None:
    """Nobody can review alarms that never were, so no review of them is waited for."""
    with_misses = reviewed(normal=38, missed=2)

    assert estimate_quality(with_misses, scored=1_000, flagged=0, min_reviews=20).miss_rate.value == 1.0
    without = estimate_quality(reviewed(normal=40), scored=1_000, flagged=0, min_reviews=20).miss_rate
    assert without.reason == "no anomaly was found or missed, so there is no rate to tell"


def test_the_interval_of_precision_holds_the_truth_however_long_episodes_are() -> None:
    """Half of the episodes are real, and a few are far longer than the rest: 95 % of the intervals hold the half."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(1_000):
        lengths = np.clip(np.ceil(rng.pareto(1.2, 50)), 1, 500).astype(int)
        is_real = rng.random(50) < 0.5
        counts = VerdictCounts(
            confirmed=int(lengths[is_real].sum()),
            false_alarm=int(lengths[~is_real].sum()),
            reviews=50,
            alarm_squares=int((lengths**2).sum()),
        )
        precision = estimate_quality(counts, scored=100_000, flagged=5_000, min_reviews=20).precision
        assert precision.n == 50
        assert precision.low is not None
        assert precision.high is not None
        held.append(precision.low <= 0.5 <= precision.high)

    assert 0.93 < np.mean(held) < 1


def test_counts_add_up() -> None:
    """A fleet's counts are the sum of its series'."""
    assert reviewed(confirmed=1, normal=2) + reviewed(false_alarm=3, missed=1) == reviewed(
        confirmed=1, false_alarm=3, missed=1, normal=2
    )
