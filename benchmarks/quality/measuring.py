"""Each scorer on each unit, on all cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from benchmarks.quality.corpus import Group, Unit
from ml_core.domain.evaluation.labelled_scores import LabelledScores
from ml_core.domain.evaluation.quality import Quality, assess
from ml_core.domain.evaluation.scorer import Scorer, join_metrics, score_series

Progress = Callable[[str, int, int], None]
_Job = tuple[str, str, Unit]
"""A scorer's name, a group's name, and what to score."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A row of a table; the time holds fitting and scoring on one core."""

    scorer: str
    group: str
    quality: Quality
    ms_per_reading: float


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """What a worker answers for one unit."""

    scores: LabelledScores
    seconds: float
    n_readings: int


def measure(
    scorers: Mapping[str, Scorer], groups: Sequence[Group], *, workers: int, progress: Progress
) -> list[Measurement]:
    """Every scorer on every group, a row each, in their order; one worker is this process itself."""
    jobs = [(name, group.name, unit) for group in groups for name in scorers for unit in group.units]
    scored: dict[tuple[str, str], list[_Scored]] = {}
    for done, (job, answer) in enumerate(_work_off(scorers, jobs, workers), start=1):
        scored.setdefault(job[:2], []).append(answer)
        progress("scoring", done, len(jobs))
    return [_assess(name, group, answers) for (name, group), answers in scored.items()]


def _work_off(scorers: Mapping[str, Scorer], jobs: Sequence[_Job], workers: int) -> Iterator[tuple[_Job, _Scored]]:
    """Each job's answer in the jobs' order."""
    if workers == 1:
        yield from ((job, _score(scorers[job[0]], job[2])) for job in jobs)
        return
    # Not forked, because the progress bar is a thread; one thread each, or numpy's would fight over the cores.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("forkserver"), initializer=threadpool_limits, initargs=(1,)
    ) as pool:
        yield from zip(jobs, pool.map(_score, [scorers[job[0]] for job in jobs], [job[2] for job in jobs]), strict=True)


def _score(scorer: Scorer, unit: Unit) -> _Scored:
    started = time.perf_counter()
    scored = [score_series(metric, scorer) for metric in unit.metrics]
    return _Scored(
        scores=scored[0] if len(scored) == 1 else join_metrics(unit.name, scored),
        seconds=time.perf_counter() - started,
        n_readings=sum(each.scores.size for each in scored),
    )


def _assess(name: str, group: str, scored: Sequence[_Scored]) -> Measurement:
    seconds, n_readings = sum(each.seconds for each in scored), sum(each.n_readings for each in scored)
    return Measurement(
        scorer=name,
        group=group,
        quality=assess([each.scores for each in scored]),
        ms_per_reading=1e3 * seconds / n_readings,
    )
