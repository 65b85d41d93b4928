"""Judging detectors on labelled readings: collect, label, score, assess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml_core.domain.detectors.detector import Detector, FitOptions
from ml_core.domain.evaluation.labelled_series import LabelledSeries
from ml_core.domain.evaluation.labelled_span import LabelledSpan
from ml_core.domain.evaluation.protocol import count_training_readings
from ml_core.domain.evaluation.quality import Quality, assess
from ml_core.domain.evaluation.scorer import DetectorScorer, score_series
from ml_core.domain.series import Readings, SeriesKey
from ml_core.errors import ConfigurationError, InsufficientDataError, InvalidReadingsError
from ml_core.ports.reading_store import ReadingBatch
from ml_core.services.runs import Progress


@dataclass(frozen=True, kw_only=True)
class CollectedReadings:
    """Every series of a source, and how many of its rows could not be used."""

    series: Mapping[SeriesKey, Readings]
    rejected: int


@dataclass(frozen=True, kw_only=True)
class LabelledCorpus:
    """Series ready to be judged. skipped: those too short to be split. unused: labels of no scored reading."""

    series: Sequence[LabelledSeries]
    skipped: Sequence[str]
    unused: int


@dataclass(frozen=True, kw_only=True)
class KindQuality:
    """How good a kind of detector is; refusals: series of which it could learn nothing, and why."""

    kind: str
    quality: Quality
    refusals: Mapping[str, str]


def collect_readings(batches: Iterable[ReadingBatch]) -> CollectedReadings:
    """The clean readings of each series; raises InvalidReadingsError where no row can be used."""
    parts: dict[SeriesKey, list[ReadingBatch]] = {}
    rejected = 0
    for batch in batches:
        rejected += len(batch.rejected)
        for key in batch.keys:
            parts.setdefault(key, []).append(batch)
    if not parts:
        raise InvalidReadingsError(f"no row can be used, {rejected} are rejected; try `ml-health import --dry-run`")
    return CollectedReadings(
        series={key: _clean(key, batches) for key, batches in sorted(parts.items())}, rejected=rejected
    )


def _clean(key: SeriesKey, batches: Sequence[ReadingBatch]) -> Readings:
    chosen = [(batch, batch.series == list(batch.keys).index(key)) for batch in batches]
    return Readings.clean(
        np.concatenate([batch.timestamps[rows] for batch, rows in chosen]),
        np.concatenate([batch.values[rows] for batch, rows in chosen]),
    )


def label_series(
    series: Mapping[SeriesKey, Readings], spans: Sequence[LabelledSpan], *, train_share: float | None = None
) -> LabelledCorpus:
    """Split each series and put the labels on it; raises InsufficientDataError where none is long enough.

    train_share: the share of each series to learn from, over 0 and below 1; None is the protocol's own.
    """
    if train_share is not None and not 0 < train_share < 1:
        raise ConfigurationError(f"train_share must be a number over 0 and below 1, got {train_share!r}")
    labelled, skipped, used = [], [], set()
    for key, readings in series.items():
        n_training = _count_training(len(readings), train_share)
        events = {place: span.positions(readings) for place, span in enumerate(spans) if span.concerns(key)}
        used |= {place for place, (first, last) in events.items() if last >= n_training and first < len(readings)}
        if not 0 < n_training < len(readings):
            skipped.append(str(key))
            continue
        labelled.append(
            LabelledSeries.split(
                name=str(key), device=key.device, readings=readings, n_training=n_training, events=events.values()
            )
        )
    if not labelled:
        raise InsufficientDataError(f"no series is long enough to learn from and be scored, such as {skipped[0]}")
    return LabelledCorpus(series=labelled, skipped=skipped, unused=len(spans) - len(used))


def _count_training(n: int, train_share: float | None) -> int:
    return count_training_readings(n) if train_share is None else int(train_share * n)


def evaluate_detectors(
    corpus: Sequence[LabelledSeries],
    detectors: Sequence[Detector],
    options: FitOptions,
    *,
    progress: Progress = lambda what, done, total: None,
) -> list[KindQuality]:
    """Each detector on every series, in their order."""
    return [_evaluate(corpus, detector, options, progress) for detector in detectors]


def _evaluate(
    corpus: Sequence[LabelledSeries], detector: Detector, options: FitOptions, progress: Progress
) -> KindQuality:
    scorer = DetectorScorer(detector=detector, options=options)
    scored = []
    for done, series in enumerate(corpus, start=1):
        scored.append(score_series(series, scorer))
        progress(detector.kind, done, len(corpus))
    return KindQuality(
        kind=detector.kind,
        quality=assess(scored),
        refusals={each.name: each.refusal for each in scored if each.refusal is not None},
    )
