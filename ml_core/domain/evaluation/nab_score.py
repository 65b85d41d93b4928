"""The score of the Numenta Anomaly Benchmark, standard profile.

Lavin and Ahmad, ICMLA 2015: an event is worth more the earlier it is found and costs 1 if it is missed; each
flagged reading outside costs up to 0.11. One threshold serves the whole corpus; finding every event at once
scores 100 and no alarm at all scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.evaluation.labelled_scores import EventWindow, LabelledScores
from ml_core.errors import InvalidReadingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUE_POSITIVE = 1.0
FALSE_NEGATIVE = 1.0
FALSE_POSITIVE = 0.11
FAR_PAST = 3.0
"""Window lengths after an event at which a false alarm costs all it can."""
STEEPNESS = 5.0


@dataclass(frozen=True, kw_only=True)
class NabOptimum:
    """The best threshold for a whole corpus, and what it scores; infinite where no alarm is best."""

    score: float
    threshold: float


def scaled_sigmoid(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Worth of a position: -1 is an event's start, 0 its end, over 0 behind it; in [-1, 1]."""
    inside = 2.0 / (1.0 + np.exp(STEEPNESS * np.minimum(positions, FAR_PAST))) - 1.0
    return np.where(positions >= FAR_PAST, -1.0, inside)


def reading_rewards(windows: Sequence[EventWindow], n: int) -> NDArray[np.float64]:
    """What an alarm at each of n scored readings is worth, shape (n,): over 0 exactly inside the windows."""
    positions = np.full(n, FAR_PAST)
    places = np.arange(n)
    for window in windows:
        behind = places > window.last
        positions[behind] = (places[behind] - window.last) / max(window.length - 1, 1)
    costs = FALSE_POSITIVE * scaled_sigmoid(positions)
    most = float(scaled_sigmoid(np.array([-1.0]))[0])
    for window in windows:
        inside = np.arange(max(window.first, 0), min(window.last + 1, n))
        relative = -(window.last - inside + 1) / window.length
        costs[inside] = TRUE_POSITIVE * scaled_sigmoid(relative) / most
    return costs


def raw_score(alarms: NDArray[np.bool_], windows: Sequence[EventWindow]) -> float:
    """The sum of one series' rewards and costs before normalising."""
    rewards = reading_rewards(windows, alarms.size)
    score = float(rewards[alarms & (rewards < 0)].sum())
    for window in windows:
        inside = slice(max(window.first, 0), window.last + 1)
        found = rewards[inside][alarms[inside]]
        # The worth falls through the window, so the first alarm is the best.
        score += float(found[0]) if found.size else -FALSE_NEGATIVE
    return score


def normalise(raw: float, n_events: int) -> float:
    """A raw sum over a corpus as a score: 0 without alarms, 100 for every event at its start and nothing else."""
    if n_events < 1:
        raise InvalidReadingsError("a NAB score needs at least one event, there is none")
    null = -FALSE_NEGATIVE * n_events
    return 100.0 * (raw - null) / (TRUE_POSITIVE * n_events - null)


def score_alarms(corpus: Sequence[LabelledScores]) -> float:
    """NAB's score of the alarms as they are."""
    raw = sum(raw_score(series.alarms, series.windows) for series in corpus)
    return normalise(raw, sum(len(series.windows) for series in corpus))


def find_optimum(corpus: Sequence[LabelledScores]) -> NabOptimum:
    """The one threshold (alarm at score >= threshold) that scores best over all series, by one sweep."""
    n_events = sum(len(series.windows) for series in corpus)
    parts = [_changes(series) for series in corpus]
    scores = np.concatenate([part[0] for part in parts])
    changes = np.concatenate([part[1] for part in parts])
    order = np.argsort(-scores, kind="stable")
    scores, raws = scores[order], np.cumsum(changes[order]) - FALSE_NEGATIVE * n_events
    # Equal scores are flagged together: only the last of them is a threshold's sum.
    last_of_ties = np.append(scores[1:] != scores[:-1], True)
    candidates, sums = scores[last_of_ties], raws[last_of_ties]
    best = int(np.argmax(sums))
    if sums[best] < -FALSE_NEGATIVE * n_events:
        return NabOptimum(score=normalise(-FALSE_NEGATIVE * n_events, n_events), threshold=float("inf"))
    return NabOptimum(score=normalise(float(sums[best]), n_events), threshold=float(candidates[best]))


def _changes(series: LabelledScores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores at which a falling threshold changes the raw sum, and by how much."""
    rewards = reading_rewards(series.windows, series.scores.size)
    outside = rewards < 0
    scores, changes = [series.scores[outside]], [rewards[outside]]
    for window in series.windows:
        inside = slice(max(window.first, 0), window.last + 1)
        order = np.argsort(-series.scores[inside], kind="stable")
        best = np.maximum.accumulate(rewards[inside][order])
        scores.append(series.scores[inside][order])
        changes.append(np.diff(best, prepend=-FALSE_NEGATIVE))
    return np.concatenate(scores), np.concatenate(changes)
