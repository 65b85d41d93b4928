"""One row of the table: how good a detector's alarms are over a corpus of labelled series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.evaluation.bootstrap import Estimate, estimate
from ml_core.domain.evaluation.labelled_scores import LabelledScores
from ml_core.domain.evaluation.nab_score import NabOptimum, find_optimum, normalise, raw_score
from ml_core.domain.evaluation.protocol import AlarmTally, tally_alarms
from ml_core.domain.evaluation.vus_pr import vus_pr

if TYPE_CHECKING:
    from numpy.typing import NDArray

PER = 1000.0
_Count = Callable[[AlarmTally], float]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The measures over a corpus, intervals over its series; None where the corpus cannot tell.

    vus_pr: the mean over series with an event. nab: of the alarms as they are. nab_optimum: of the best one
    threshold for the corpus (None: no alarm at all is best); its interval is that of the score at this threshold.
    skill: recall - chance.
    n_refused: series of which nothing could be learned; they count as without alarms.
    delay_readings, delay_share: medians over detected events.
    """

    n_series: int
    n_refused: int
    n_events: int
    vus_pr: Estimate | None
    nab: Estimate | None
    nab_optimum: Estimate | None
    nab_optimum_threshold: float | None
    recall: Estimate | None
    chance: Estimate | None
    skill: Estimate | None
    false_alarms_per_1000: Estimate | None
    false_alarms_per_day: Estimate | None
    flagged_per_1000: Estimate | None
    delay_readings: float | None
    delay_share: float | None


def assess(corpus: Sequence[LabelledScores]) -> Quality:
    """Every measure over a corpus of at least one series."""
    tallies = [tally_alarms(series) for series in corpus]
    optimum = find_optimum(corpus) if any(tally.events for tally in tallies) else None
    delays = [delay for tally in tallies for delay in tally.delays]
    shares = [share for tally in tallies for share in tally.delay_shares]
    return Quality(
        n_series=len(corpus),
        n_refused=sum(series.refusal is not None for series in corpus),
        n_events=sum(tally.events for tally in tallies),
        vus_pr=_mean_vus_pr(corpus),
        nab=_estimate_nab([(series.alarms, series) for series in corpus]),
        nab_optimum=None if optimum is None else _estimate_at(corpus, optimum),
        nab_optimum_threshold=None if optimum is None or optimum.threshold == np.inf else optimum.threshold,
        recall=_ratio(tallies, lambda tally: tally.detected, _events),
        chance=_ratio(tallies, lambda tally: tally.chance, _events),
        skill=_ratio(tallies, lambda tally: tally.detected - tally.chance, _events),
        false_alarms_per_1000=_ratio(tallies, lambda tally: tally.false_alarms, _normal_points, PER),
        false_alarms_per_day=_ratio(tallies, lambda tally: tally.false_alarms, lambda tally: tally.normal_days),
        flagged_per_1000=_ratio(tallies, lambda tally: tally.flagged_normal_points, _normal_points, PER),
        delay_readings=float(np.median(delays)) if delays else None,
        delay_share=float(np.median(shares)) if shares else None,
    )


def _events(tally: AlarmTally) -> float:
    return tally.events


def _normal_points(tally: AlarmTally) -> float:
    return tally.normal_points


def _ratio(tallies: Sequence[AlarmTally], part: _Count, whole: _Count, per: float = 1.0) -> Estimate | None:
    counts = np.array([(part(tally), whole(tally)) for tally in tallies], dtype=np.float64)
    return estimate(counts, lambda sums: per * sums[:, 0] / sums[:, 1])


def _mean_vus_pr(corpus: Sequence[LabelledScores]) -> Estimate | None:
    areas = [(vus_pr(series.labels, series.scores, series.buffer), 1.0) for series in corpus if series.windows]
    return estimate(np.array(areas).reshape(-1, 2), lambda sums: sums[:, 0] / sums[:, 1]) if areas else None


def _estimate_at(corpus: Sequence[LabelledScores], optimum: NabOptimum) -> Estimate | None:
    return _estimate_nab([(series.scores >= optimum.threshold, series) for series in corpus])


def _estimate_nab(judged: Sequence[tuple[NDArray[np.bool_], LabelledScores]]) -> Estimate | None:
    counts = np.array([(raw_score(alarms, series.windows), len(series.windows)) for alarms, series in judged])
    return estimate(counts, _normalise_sums)


def _normalise_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([normalise(raw, int(events)) if events else np.nan for raw, events in sums])
