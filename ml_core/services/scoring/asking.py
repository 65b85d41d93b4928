"""Asking detectors for a shard: together where the kind can, else and after a surprise one series at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_core.domain.detectors.detector import EMPTY_STATE, Ask, Detector, FleetDetector, ModelArtifact
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.scoring.scoring_state import NewReadings, ScoringState
from ml_core.domain.scoring.series_scoring import Told, carried_state
from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import DetectorStateError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReadyBatch:
    """A series with what is new of it, its model's artifact and the detector that reads it."""

    record: SeriesRecord
    version: ModelVersion
    detector: Detector
    artifact: ModelArtifact
    before: ScoringState
    new: NewReadings

    @property
    def ask(self) -> Ask:
        """What its detector is asked."""
        return self.artifact, carried_state(self.before, self.version.model_id), self.new.batch


def ask_alone(batch: ReadyBatch) -> Told:
    """The answer of one series, begun anew where its state cannot be read; raises what else goes wrong."""
    artifact, carried, readings = batch.ask
    began = time.perf_counter()
    try:
        scored, state = batch.detector.update(artifact, carried, readings)
    except DetectorStateError as exc:
        logger.warning("%s starts over from its model: %s", batch.record.key, exc)
        scored, state = batch.detector.update(artifact, EMPTY_STATE, readings)
    return Told(scored=scored, state=state, latency_ms=(time.perf_counter() - began) * 1000)


def ask_together(batches: Sequence[ReadyBatch]) -> Mapping[int, Told]:
    """Answers by series id, from one call a kind; those of a call that failed are missing, to be asked one by one."""
    told: dict[int, Told] = {}
    for kind in sorted({batch.detector.kind for batch in batches}):
        mine = [batch for batch in batches if batch.detector.kind == kind]
        detector = mine[0].detector
        if isinstance(detector, FleetDetector) and len(mine) > 1:
            told |= _ask_fleet(detector, mine)
    return told


def _ask_fleet(detector: FleetDetector, batches: Sequence[ReadyBatch]) -> dict[int, Told]:
    began = time.perf_counter()
    try:
        answers = detector.update_fleet([batch.ask for batch in batches])
    except Exception:  # one series' surprise is found when each is asked alone
        logger.exception("scoring %d series together failed; they are scored one by one", len(batches))
        return {}
    share_ms = (time.perf_counter() - began) * 1000 / len(batches)
    return {
        batch.before.series_id: Told(scored=scored, state=state, latency_ms=share_ms)
        for batch, (scored, state) in zip(batches, answers, strict=True)
    }
