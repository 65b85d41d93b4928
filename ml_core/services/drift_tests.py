"""Load what a model learned and what it sees now, and test each model of a shard for drift."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_core.domain.artifact_format import decode
from ml_core.domain.check import CheckResult
from ml_core.domain.check_names import CheckName
from ml_core.domain.contender import ask_frozen
from ml_core.domain.degradation import LiveSample, Reference, compare_with_reference, widen
from ml_core.domain.detector import ModelArtifact
from ml_core.domain.detector_kinds import detector_of_kind
from ml_core.domain.durations import in_words
from ml_core.domain.fleet_drift import TestedModel
from ml_core.domain.grading import not_judged
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.null_canary import NullSplit, split_null
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
        wider = {
            id_: self._wider_hours(answer)
            for id_ in readable
            if not isinstance(answer := answers[id_], TestedModel) or self._says_little(answer)
        }
        for id_, wide in self._test_over(wider, readable).items():
            answers[id_] = self._choose(answers[id_], wide)
        return answers

    def _says_little(self, answer: TestedModel) -> bool:
        return answer.test.n_effective < self.policy.min_effective_readings

    def _wider_hours(self, answer: TestedModel | CheckResult) -> float:
        """Hours that a model is tested on whose day was worth too little."""
        return widen(
            answer.test.n_effective if isinstance(answer, TestedModel) else 0.0,
            least=self.policy.min_effective_readings,
            hours=self.policy.live_hours,
            most_hours=self.policy.widened_days * 24,
        )

    def _choose(self, day: TestedModel | CheckResult, wide: TestedModel | CheckResult) -> TestedModel | CheckResult:
        """Of two looks at a model the one that shows more; its p-value counts twice, since two were taken."""
        if not isinstance(day, TestedModel) or not isinstance(wide, TestedModel):
            return wide
        n_effective = max(day.test.n_effective, wide.test.n_effective)
        day_test, wide_test = (replace(look.test, looks=2, n_effective=n_effective) for look in (day, wide))
        # A day that shows nothing leaves the word to the longer time.
        most = min(wide_test.p_value(self.policy), self.policy.false_discovery_rate)
        if day_test.p_value(self.policy) < most:
            return replace(day, test=day_test)
        return replace(wide, test=wide_test, null=day.null)

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
        reference, live = _reference(artifact), _live(artifact, readings)
        key = candidate.record.key
        return TestedModel(
            series_id=candidate.record.series_id,
            metric=key.metric,
            site=self._site_of(key.device),
            test=compare_with_reference(reference, live),
            before=candidate.before,
            words=words,
            null=_split(reference, live, candidate.null_at),
        )

    def _site_of(self, device: str) -> str | None:
        found = re.search(self.policy.site_pattern, device) if self.policy.site_pattern else None
        return found.group(1) if found is not None else None

    def _read(self, model: ModelVersion) -> ModelArtifact:
        if model.artifact_sha256 is None:
            raise ArtifactError(f"version {model.version} has no artifact of this platform's own")
        artifact = decode(self.artifacts.read(model.artifact_sha256))
        for name in ("reference_values", "reference_scores"):
            if name not in artifact.arrays:
                raise ArtifactError(f"version {model.version} keeps no {name} to compare with")
        return artifact


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


def _split(reference: Reference, live: LiveSample, position: float | None) -> NullSplit | None:
    """The same test on as long a time of training."""
    if position is None:
        return None
    ratio = reference.interval_s / live.interval_s if reference.interval_s and live.interval_s else 1.0
    return split_null(reference, round(live.values.size / max(ratio, 1.0)), position)
