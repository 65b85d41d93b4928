"""The one path of a reading through the adaptive detector, compiled: the same for one reading, a batch and a fleet.

Everything compiled stands in this file, since a compiled function kept on disk is made anew only when its own
file changes. Formulas and sources: docs/detection.md.
"""

import math

import numpy as np

from ml_core.domain.detectors.adaptive.compiled import compiled
from ml_core.domain.detectors.adaptive.layout import (
    BINS,
    N_FEATURES,
    ONSET,
    RING,
    SEASON_MEAN,
    SPANS,
)

K = tuple(recent for recent, _ in SPANS)
BEFORE = tuple(before for _, before in SPANS)
N_SPANS = len(SPANS)
LEVEL, INNOVATION, SHIFTS, SEASON = 0, 1, 2, 2 + 2 * N_SPANS

SLOW, FAST = 0.001, 0.3
"""Weights of a reading in the slow and in the fast mean."""
CLIP = 4.0
"""Spreads beyond which a reading moves the slow mean and the profiles no further."""
FAR = 8192.0
"""Scales beyond which a value is as far as can be: squares stay exact enough to be added and taken away."""
LEAST_SPREAD = 1e-3
"""In scales: below it a series counts as constant."""
LEAST_BEFORE = 24
"""Readings before, at least, that the latest ones are compared with; and twice as many as the latest."""

MEMORY = 7_500.0
"""Readings that a feature's tail is judged by; older ones fade."""
FADE_EVERY = 64
REFIT_EVERY = 8
"""Values of a feature between two fits of its tail, once it has FADE_EVERY; before, each one counts."""
MIN_SEEN = 25
"""Values of a feature before which it says nothing."""
TAIL_SHARE, TAIL_COUNT, MAX_TAIL = 0.03, 10.0, 0.25
MAX_SHAPE = 0.4
MOST = 8.0
"""Evidence of one feature, at most: one chance in a hundred million."""

DAY_US, WEEK_US, SLOT_US, HOUR_US = 86_400_000_000, 604_800_000_000, 900_000_000, 3_600_000_000
MONDAY_US = 4 * DAY_US
"""1970 began on a Thursday."""
DAY_WEIGHT, WEEK_WEIGHT, ERROR_WEIGHT = 0.15, 0.05, 0.002
EXPLAINS = 0.5
"""A profile speaks where its error is less than this share of the slow mean's."""

OUTER_SHARE, REACH = 0.1, 2.5
"""The expected band ends at so many times the distance that this share of deviations goes beyond."""
HOLD = 2.0 ** (-1 / 24)
"""How the held score fades: by half in 24 readings."""

EDGES = 2.0 ** (np.arange(BINS + 1) / 8.0)
LOW_OCTAVE = -10.0
INV_LN10 = 1.0 / math.log(10.0)


@compiled
def _bin_position(value):
    """Where on the histogram's axis a magnitude stands, in bins."""
    if value <= 0.0:
        return 0.0
    position = 8.0 * (math.log2(value) - LOW_OCTAVE)
    return min(max(position, 0.0), BINS - 1e-6)


@compiled
def _tail_start(histogram, total):
    """The lowest bin of the tail and the weight of the tail."""
    wanted = max(TAIL_SHARE * total, min(TAIL_COUNT, MAX_TAIL * total))
    weight, start = 0.0, BINS
    while start > 0 and weight < wanted:
        start -= 1
        weight += histogram[start]
    return start, weight


@compiled
def _fit_tail(s, j):
    """The tail's start and weight, and the generalised Pareto above it by probability-weighted moments."""
    start, weight = _tail_start(s.histogram[j], s.total[j])
    b0, b1, above = 0.0, 0.0, 0.0
    for b in range(BINS - 1, start - 1, -1):
        share = s.histogram[j, b]
        if share > 0.0:
            excess = 0.5 * (EDGES[b] + EDGES[b + 1]) - EDGES[start]
            b0 += share * excess
            b1 += share * excess * (above + 0.5 * share) / weight
            above += share
    b0 /= weight
    b1 /= weight
    spread = b0 - 2.0 * b1
    shape = 0.0
    if spread > 0.0:
        shape = min(max(2.0 - b0 / spread, 0.0), MAX_SHAPE)
    s.tail_start[j] = start
    s.tail_weight[j] = weight
    s.tail_scale[j] = max(b0 * (1.0 - shape), 1e-9)
    s.tail_shape[j] = shape


@compiled
def _evidence(s, j, value):
    """-log10 of the share of the past that was at least as far out; at a tie the past counts in full."""
    position = _bin_position(value)
    at = int(position)
    inside = position - at
    start, weight, total = s.tail_start[j], s.tail_weight[j], s.total[j]
    if at < start:
        above = weight + s.histogram[j, at] * (1.0 - inside)
        for b in range(at + 1, start):
            above += s.histogram[j, b]
        return -math.log10(min((above + 1.0) / (total + 1.0), 1.0))
    shape = s.tail_shape[j]
    excess = max(EDGES[at] + inside * (EDGES[at + 1] - EDGES[at]) - EDGES[start], 0.0) / s.tail_scale[j]
    decay = excess if shape < 1e-6 else math.log1p(shape * excess) / shape
    return min(-math.log10(min((weight + 1.0) / (total + 1.0), 1.0)) + decay * INV_LN10, MOST)


@compiled
def _reach(s, j):
    """How far from its middle a value is expected: so many times what nine in ten deviations stay within.

    Not a quantile further out, which an outage of an hour within the memory would carry with it.
    """
    if s.seen[j] < MIN_SEEN:
        return math.inf
    above, b = 0.0, BINS
    while b > 0 and above < OUTER_SHARE * s.total[j]:
        b -= 1
        above += s.histogram[j, b]
    return REACH * EDGES[b + 1] * 2.0**LOW_OCTAVE


@compiled
def _learn_feature(s, j, value):
    """The value joins the feature's past, what is old fades, and now and then the tail is fitted anew."""
    at = int(_bin_position(value))
    s.histogram[j, at] += 1.0
    s.total[j] += 1.0
    s.seen[j] += 1
    if at >= s.tail_start[j]:
        s.tail_weight[j] += 1.0
    if s.seen[j] % FADE_EVERY == 0 and s.total[j] > MEMORY:
        keep = MEMORY / s.total[j]
        total = 0.0
        for b in range(BINS):
            s.histogram[j, b] *= keep
            total += s.histogram[j, b]
        s.total[j] = total
    if s.seen[j] < FADE_EVERY or s.seen[j] % REFIT_EVERY == 0:
        _fit_tail(s, j)


@compiled
def _refresh_sums(s):
    """Sums from the ring itself, so that rounding never piles up."""
    for j in range(N_SPANS):
        for part in range(2):
            begin = s.count - K[j] if part == 0 else s.count - K[j] - BEFORE[j]
            end = s.count if part == 0 else s.count - K[j]
            one, two = 0.0, 0.0
            for i in range(max(begin, 0), max(end, 0)):
                y = float(s.ring[i % RING])
                one += y
                two += y * y
            s.sums[j, part, 0] = one
            s.sums[j, part, 1] = two


@compiled
def _move_windows(s, y):
    """The value enters the latest window of each span; who leaves it enters the one before."""
    c = s.count
    s.ring[c % RING] = y
    y = float(s.ring[c % RING])
    for j in range(N_SPANS):
        s.sums[j, 0, 0] += y
        s.sums[j, 0, 1] += y * y
        if c >= K[j]:
            out = float(s.ring[(c - K[j]) % RING])
            s.sums[j, 0, 0] -= out
            s.sums[j, 0, 1] -= out * out
            s.sums[j, 1, 0] += out
            s.sums[j, 1, 1] += out * out
        if c >= K[j] + BEFORE[j]:
            gone = float(s.ring[(c - K[j] - BEFORE[j]) % RING])
            s.sums[j, 1, 0] -= gone
            s.sums[j, 1, 1] -= gone * gone
    s.count = c + 1
    if s.count % RING == 0:
        _refresh_sums(s)


@compiled
def _spread_of(one, two, n):
    mean = one / n
    return math.sqrt(max(two / n - mean * mean, 0.0))


@compiled
def _compare_windows(s, signed, expected, spreads):
    """Shift and spread of the latest k readings against the K before, where there are enough."""
    for j in range(N_SPANS):
        n_before = min(s.count - K[j], BEFORE[j])
        if n_before < min(BEFORE[j] // 2, max(2 * K[j], LEAST_BEFORE)):
            continue
        before = s.sums[j, 1, 0] / n_before
        spread_before = _spread_of(s.sums[j, 1, 0], s.sums[j, 1, 1], n_before)
        spread_now = _spread_of(s.sums[j, 0, 0], s.sums[j, 0, 1], K[j])
        signed[SHIFTS + 2 * j] = s.sums[j, 0, 0] / K[j] - before
        expected[SHIFTS + 2 * j] = before
        spreads[j] = spread_before
        signed[SHIFTS + 2 * j + 1] = math.log((spread_now + LEAST_SPREAD) / (spread_before + LEAST_SPREAD))
        expected[SHIFTS + 2 * j + 1] = spread_before


@compiled
def _season(s, local_us):
    """The profile that speaks for this moment and its value, or NaN; the slots of day and week."""
    day = (local_us % DAY_US) // SLOT_US
    week = ((local_us - MONDAY_US) % WEEK_US) // HOUR_US
    age = s.last_us - s.first_us
    limit = EXPLAINS * s.level_error
    by_day = age >= 2 * DAY_US and s.day_count[day] > 0 and 0.0 < s.day_error < limit
    by_week = age >= 2 * WEEK_US and s.week_count[week] > 0 and 0.0 < s.week_error < limit
    value = math.nan
    if by_week and (not by_day or s.week_error < s.day_error):
        value = float(s.week_mean[week])
    elif by_day:
        value = float(s.day_mean[day])
    return day, week, value


@compiled
def _learn_slot(means, counts, slot, y, first, error, weight):
    """The slot's mean moves toward the value, by no more than CLIP errors; answers the new error."""
    residual = y - means[slot]
    if counts[slot] == 0.0:
        means[slot] = first
    else:
        size = abs(residual)
        if error == 0.0:
            error = size
        else:
            error += ERROR_WEIGHT * (min(size, CLIP * error) - error)
            residual = min(max(residual, -CLIP * error), CLIP * error)
        means[slot] += max(weight, 1.0 / (counts[slot] + 1.0)) * residual
    counts[slot] = min(counts[slot] + 1.0, 1e6)
    return error


@compiled
def _learn_season(s, deviation, day, week):
    """Both profiles learn, and the errors by which they are chosen; errors only once a day, or week, has been seen."""
    age = s.last_us - s.first_us
    size, y = abs(deviation), s.slow_mean + deviation
    first = y
    if age >= DAY_US:
        # An outage at the first visit must not pass for what is usual at that hour.
        first = s.slow_mean + min(max(deviation, -CLIP * s.slow_spread), CLIP * s.slow_spread)
        s.level_error = size if s.level_error == 0.0 else s.level_error + ERROR_WEIGHT * (size - s.level_error)
    error = _learn_slot(s.day_mean, s.day_count, day, y, first, s.day_error, DAY_WEIGHT)
    if age >= DAY_US:
        s.day_error = error
    error = _learn_slot(s.week_mean, s.week_count, week, y, first, s.week_error, WEEK_WEIGHT)
    if age >= WEEK_US:
        s.week_error = error


@compiled
def _season_residual(s, residual, signed):
    """The residual and the mean of the latest ones."""
    s.residuals[s.n_residuals % SEASON_MEAN] = residual
    s.n_residuals += 1
    signed[SEASON] = residual
    if s.n_residuals >= SEASON_MEAN:
        mean = 0.0
        for i in range(SEASON_MEAN):
            mean += s.residuals[i]
        signed[SEASON + 1] = mean / SEASON_MEAN


@compiled
def _learn_level(s, y):
    deviation = y - s.slow_mean
    weight = max(SLOW, 1.0 / (s.count + 1.0))
    s.slow_mean += weight * min(max(deviation, -CLIP * s.slow_spread), CLIP * s.slow_spread)
    s.slow_spread += weight * (min(abs(deviation), CLIP * s.slow_spread) * 1.2533 - s.slow_spread)
    s.slow_spread = max(s.slow_spread, LEAST_SPREAD)
    s.fast_mean += max(FAST, 1.0 / (s.count + 1.0)) * (y - s.fast_mean)


@compiled
def _mean_evidence(s, signed, evidence):
    """Evidence of each feature that speaks, and their mean over all features: silence counts as none."""
    total = 0.0
    for j in range(N_FEATURES):
        evidence[j] = 0.0
        if not math.isnan(signed[j]) and s.seen[j] >= MIN_SEEN:
            evidence[j] = _evidence(s, j, abs(signed[j]))
            total += evidence[j]
    return total / N_FEATURES


@compiled
def _remember_score(s, score):
    """Whether the score is the highest among the latest, itself included."""
    onset = True
    for i in range(ONSET):
        if s.recent_scores[i] >= score:
            onset = False
    s.recent_scores[s.count % ONSET] = score
    s.score = score
    s.held = max(score, s.held * HOLD)
    return onset


@compiled
def _begin(s, at_us, y):
    s.first_us = at_us
    s.last_us = at_us
    s.slow_mean = y
    s.slow_spread = 1.0
    s.fast_mean = y
    s.level_reach = math.inf
    s.season_reach = math.inf


@compiled
def _look(s, at_us, local_us, y, learn, signed, expected, spreads, evidence):
    """One value through all features; a late one is looked at and not learned. Answers score and onset."""
    signed[:] = math.nan
    expected[:] = math.nan
    spreads[:] = math.nan
    if s.count == 0:
        _begin(s, at_us, y)
    deviation = y - s.slow_mean
    signed[LEVEL] = deviation / s.slow_spread
    expected[LEVEL] = s.slow_mean
    day, week, profile = _season(s, local_us)
    if not math.isnan(profile):
        expected[SEASON] = profile
        expected[SEASON + 1] = profile
        signed[SEASON] = y - profile
    if not learn:
        score = _mean_evidence(s, signed, evidence)
        return score, True
    if at_us - s.last_us > s.gap_us:
        s.fast_mean = y
    else:
        signed[INNOVATION] = y - s.fast_mean
        expected[INNOVATION] = s.fast_mean
    s.last_us = at_us
    _move_windows(s, y)
    _compare_windows(s, signed, expected, spreads)
    if not math.isnan(profile):
        _season_residual(s, y - profile, signed)
    score = _mean_evidence(s, signed, evidence)
    for j in range(N_FEATURES):
        if not math.isnan(signed[j]):
            _learn_feature(s, j, abs(signed[j]))
    _learn_season(s, deviation, day, week)
    _learn_level(s, y)
    s.band_age += 1
    if s.band_age >= FADE_EVERY or math.isinf(s.level_reach):
        s.band_age = 0
        s.level_reach = _reach(s, LEVEL)
        s.season_reach = _reach(s, SEASON)
    return score, _remember_score(s, score)


@compiled
def _band(s, local_us, band):
    """Where the next value is expected: around the profile that speaks, else around the slow mean."""
    _, _, middle = _season(s, local_us)
    reach = s.season_reach
    if math.isnan(middle) or math.isinf(reach):
        middle, reach = s.slow_mean, s.level_reach * s.slow_spread
    if s.count == 0:
        reach = math.inf
    band[0] = s.center + s.scale * (middle - reach)
    band[1] = s.center + s.scale * (middle + reach)


@compiled
def _fill_bucket(s, at_us, y):
    """Whether the value only joins a bucket that is open, or opens the first: then there is nothing to look at yet."""
    bucket = at_us // s.bucket_us
    if s.bucket_count == 0:
        s.open_bucket, s.bucket_sum, s.bucket_count = bucket, y, 1
        return True
    if bucket == s.open_bucket:
        s.bucket_sum += y
        s.bucket_count += 1
        return True
    return False


@compiled
def _close_bucket(s, at_us, y):
    """The mean and the beginning of the bucket that the value ends; the value opens the next."""
    mean, began = s.bucket_sum / s.bucket_count, s.open_bucket * s.bucket_us
    s.open_bucket, s.bucket_sum, s.bucket_count = at_us // s.bucket_us, y, 1
    return mean, began


@compiled
def advance(s, at_us, local_us, values, scores, onsets, held, bands, signed, expected, spreads, evidence):
    """Take one series through its readings, in their order; the arguments are those of traces.Traces.

    `s`: the state, changed in place. at_us, local_us (wall time), values: shape (n,). A reading before the newest one
    is late, as is one of a bucket that is closed: it is looked at, and not learned. Where readings are gathered in
    buckets, the reading that comes after a bucket carries the answer to it, since only then it is complete.
    """
    for i in range(len(values)):
        y = min(max((values[i] - s.center) / s.scale, -FAR), FAR)
        _band(s, local_us[i], bands[i])
        scores[i], onsets[i], held[i] = s.score, False, s.held
        moment, local = at_us[i], local_us[i]
        is_late = s.count > 0 and moment < s.last_us
        if s.bucket_us > 0 and s.bucket_count > 0:
            # One reading alone is no bucket: it would be held against means, and learned as one.
            is_late = is_late or moment // s.bucket_us < s.open_bucket
        if s.bucket_us > 0 and not is_late:
            if _fill_bucket(s, moment, y):
                continue
            y, moment = _close_bucket(s, moment, y)
            local += moment - at_us[i]
        score, onset = _look(s, moment, local, y, not is_late, signed[i], expected[i], spreads[i], evidence[i])
        scores[i], onsets[i], held[i] = score, onset, s.held


@compiled
def advance_all(
    states, ends, at_us, local_us, values, scores, onsets, held, bands, signed, expected, spreads, evidence
):
    """Take each series through its own part of the readings; `ends`: where each part ends, shape (series,)."""
    begin = 0
    for i in range(len(ends)):
        end = ends[i]
        advance(
            states[i],
            at_us[begin:end],
            local_us[begin:end],
            values[begin:end],
            scores[begin:end],
            onsets[begin:end],
            held[begin:end],
            bands[begin:end],
            signed[begin:end],
            expected[begin:end],
            spreads[begin:end],
            evidence[begin:end],
        )
        begin = end
