"""Load what a model learned and what it sees now, and test each model of a shard for drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.artifact_format import decode
from ml_core.domain.check import CheckResult
from ml_core.domain.check_names import CheckName
from ml_core.domain.degradation import DriftTest, LiveSample, Reference, compare_with_reference, widen
from ml_core.domain.detector import EMPTY_STATE, ModelArtifact
from ml_core.domain.detector_kinds import detector_of_kind
from ml_core.domain.durations import in_words
from ml_core.domain.fleet_drift import TestedModel
from ml_core.domain.grading import not_judged
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
        readable: dict[int, tuple[Candidate, ModelArtifact]] = {}
        for candidate in candidates:
            try:
                readable[candidate.record.series_id] = (candidate, self._read(candidate.model))
            except ArtifactError as exc:
                answers[candidate.record.series_id] = not_judged(CheckName.DRIFT, f"not tested: {exc}")
        answers |= self._test_over(dict.fromkeys(readable, self.policy.live_hours), readable)
        wider = {id_: self._wider(answers[id_]) for id_ in readable if not isinstance(answers[id_], TestedModel)}
        return answers | self._test_over(wider, readable)

    def _wider(self, answer: TestedModel | CheckResult) -> float:
        """Hours that a model is tested on whose day was worth too little."""
        return widen(
            0.0 if isinstance(answer, TestedModel) else answer.value or 0.0,
            least=self.policy.min_effective_readings,
            hours=self.policy.live_hours,
            most_hours=self.policy.widened_days * 24,
        )

    def _test_over(
        self, hours: Mapping[int, float], readable: Mapping[int, tuple[Candidate, ModelArtifact]]
    ) -> dict[int, TestedModel | CheckResult]:
        """Test each of these series over its own length, in hours."""
        windows = [
            Window(key=readable[id_][0].record.key, after=self.now - timedelta(hours=length), until=self.now)
            for id_, length in hours.items()
        ]
        fetched = self.telemetry.fetch(windows)
        answers = {}
        for series_id, length in hours.items():
            candidate, artifact = readable[series_id]
            words = f"the last {in_words(length * 3600)}"
            answers[series_id] = self._test_one(candidate, artifact, fetched[candidate.record.key], words)
        return answers

    def _test_one(
        self, candidate: Candidate, artifact: ModelArtifact, readings: Readings, words: str
    ) -> TestedModel | CheckResult:
        if len(readings) == 0:
            return not_judged(CheckName.DRIFT, f"no readings in {words}")
        test = _compare(artifact, readings)
        if test.n_effective < self.policy.min_effective_readings:
            return not_judged(
                CheckName.DRIFT,
                f"{words} hold {len(readings)} readings, worth about {test.n_effective:.0f} independent ones; "
                f"{self.policy.min_effective_readings:g} are needed to tell drift",
                value=test.n_effective,
            )
        return TestedModel(
            series_id=candidate.record.series_id,
            metric=candidate.record.key.metric,
            test=test,
            before=candidate.before,
            words=words,
        )

    def _read(self, model: ModelVersion) -> ModelArtifact:
        if model.artifact_sha256 is None:
            raise ArtifactError(f"version {model.version} has no artifact of this platform's own")
        artifact = decode(self.artifacts.read(model.artifact_sha256))
        for name in ("reference_values", "held_out_scores"):
            if name not in artifact.arrays:
                raise ArtifactError(f"version {model.version} keeps no {name} to compare with")
        return artifact


def _compare(artifact: ModelArtifact, readings: Readings) -> DriftTest:
    scored, _ = detector_of_kind(artifact.kind).update(artifact, EMPTY_STATE, readings)
    interval_s = artifact.metadata.get("median_interval_s")
    return compare_with_reference(
        Reference(
            values=artifact.arrays["reference_values"],
            scores=artifact.arrays["held_out_scores"],
            interval_s=interval_s if isinstance(interval_s, int | float) else None,
        ),
        LiveSample(values=readings.values, scores=scored.scores, interval_s=readings.median_interval_s()),
    )
