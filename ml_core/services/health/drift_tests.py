"""Load what a model learned and what it sees now, and test each model of a shard for drift."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.checks.check import CheckResult
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.grading import not_judged
from ml_core.domain.degradation.fleet_drift import TestedModel
from ml_core.domain.degradation.model_drift import (
    DriftTest,
    LiveSample,
    Reference,
    choose_look,
    compare_with_reference,
    widen,
)
from ml_core.domain.degradation.null_canary import split_null
from ml_core.domain.detectors.artifact_format import decode
from ml_core.domain.detectors.detector import ModelArtifact
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.durations import in_words
from ml_core.domain.gate.contender import ask_frozen
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import DriftPolicy
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord
from ml_core.errors import ArtifactError
from ml_core.ports.artifact_store import ArtifactStore
from ml_core.ports.telemetry import TelemetrySource, Window


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model to be tested."""

    record: SeriesRecord
    model: ModelVersion
    before: int
    """Checks in a row that have seen it drift."""
    null_at: float | None = None
    """Where its training is split for the null canary, from 0 to 1; None where it was not drawn."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model with what it keeps of its training."""

    candidate: Candidate
    artifact: ModelArtifact
    reference: Reference


@dataclass(frozen=True, kw_only=True)
class Look:
    """One live window of a model and what its test says; no test without readings."""

    test: DriftTest | None
    readings: Readings
    words: str
    least: float
    """Independent readings that are enough."""

    @property
    def n_effective(self) -> float:
        """Independent readings that the window is worth."""
        return 0.0 if self.test is None else self.test.n_effective

    @property
    def says_little(self) -> bool:
        """Whether a longer time must be looked at too."""
        return self.n_effective < self.least


@dataclass(frozen=True, kw_only=True)
class DriftTester:
    """Tests models on a day of readings, and on more where a day says too little."""

    telemetry: TelemetrySource
    artifacts: ArtifactStore
    policy: DriftPolicy
    now: datetime

    def test(self, candidates: Iterable[Candidate]) -> dict[int, TestedModel | CheckResult]:
        """Each model's test by its series, or why it could not be told."""
        answers: dict[int, TestedModel | CheckResult] = {}
        readable: dict[int, Subject] = {}
        for candidate in candidates:
            try:
                readable[candidate.record.series_id] = self._read(candidate)
            except ArtifactError as exc:
                answers[candidate.record.series_id] = not_judged(CheckName.DRIFT, f"not tested: {exc}")
        looks = self._look(dict.fromkeys(readable, self.policy.live_hours), readable)
        wider = self._look({id_: self._wider_hours(look) for id_, look in looks.items() if look.says_little}, readable)
        return answers | {
            id_: self._conclude(readable[id_], [look, *([wider[id_]] if id_ in wider else [])])
            for id_, look in looks.items()
        }

    def _wider_hours(self, look: Look) -> float:
        """Hours that a model is tested on whose day was worth too little."""
        return widen(
            look.n_effective,
            least=self.policy.min_effective_readings,
            hours=self.policy.live_hours,
            most_hours=self.policy.widened_days * 24,
        )

    def _look(self, hours: Mapping[int, float], readable: Mapping[int, Subject]) -> dict[int, Look]:
        """Test each of these series over its own length, in hours."""
        windows = [
            Window(key=readable[id_].candidate.record.key, after=self.now - timedelta(hours=length), until=self.now)
            for id_, length in hours.items()
        ]
        fetched = self.telemetry.fetch(windows)
        looks = {}
        for series_id, length in hours.items():
            subject = readable[series_id]
            readings = fetched[subject.candidate.record.key]
            live = _live(subject.artifact, readings) if len(readings) else None
            looks[series_id] = Look(
                test=None if live is None else compare_with_reference(subject.reference, live),
                readings=readings,
                words=f"the last {in_words(length * 3600)}",
                least=self.policy.min_effective_readings,
            )
        return looks

    def _conclude(self, subject: Subject, looks: list[Look]) -> TestedModel | CheckResult:
        """What is told of one model; its null split is looked at as often, over as long times."""
        seen = [(look, look.test) for look in looks if look.test is not None]
        if not seen:
            return not_judged(CheckName.DRIFT, f"no readings in {looks[-1].words}")
        (told, test), (wide, wide_test) = seen[0], seen[-1]
        if len(seen) > 1:
            test, is_wide = choose_look(test, wide_test, self.policy)
            told = wide if is_wide else told
        candidate, key, at = subject.candidate, subject.candidate.record.key, subject.candidate.null_at
        lengths = [_length_in(subject.reference, look.readings) for look, _ in seen]
        return TestedModel(
            series_id=candidate.record.series_id,
            metric=key.metric,
            site=self._site_of(key.device),
            test=test,
            before=candidate.before,
            words=told.words,
            null=None if at is None else split_null(subject.reference, lengths, at, self.policy),
        )

    def _site_of(self, device: str) -> str | None:
        found = re.search(self.policy.site_pattern, device) if self.policy.site_pattern else None
        return found.group(1) if found is not None else None

    def _read(self, candidate: Candidate) -> Subject:
        model = candidate.model
        if model.artifact_sha256 is None:
            raise ArtifactError(f"version {model.version} has no artifact of this platform's own")
        artifact = decode(self.artifacts.read(model.artifact_sha256))
        for name in ("reference_values", "reference_scores"):
            if name not in artifact.arrays:
                raise ArtifactError(f"version {model.version} keeps no {name} to compare with")
        return Subject(candidate=candidate, artifact=artifact, reference=_reference(artifact))


def _reference(artifact: ModelArtifact) -> Reference:
    interval_s, stride = artifact.metadata.get("median_interval_s"), artifact.metadata.get("reference_stride", 1)
    return Reference(
        values=artifact.arrays["reference_values"],
        scores=artifact.arrays["reference_scores"],
        interval_s=interval_s * stride if isinstance(interval_s, int | float) else None,
    )


def _live(artifact: ModelArtifact, readings: Readings) -> LiveSample:
    scored = ask_frozen(detector_of_kind(artifact.kind), artifact, readings)
    return LiveSample(values=readings.values, scores=scored.scores, interval_s=readings.median_interval_s())


def _length_in(reference: Reference, readings: Readings) -> int:
    """How many readings of the reference take as long as these."""
    interval_s = readings.median_interval_s()
    ratio = reference.interval_s / interval_s if reference.interval_s and interval_s else 1.0
    return max(1, round(len(readings) / max(ratio, 1.0)))
