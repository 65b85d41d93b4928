"""Score what is new in every series that has an active model, a shard of series at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from ml_core.domain.detectors.detector import Detector
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import AlertPolicy, DevicePolicy, ScoringPolicy
from ml_core.domain.scoring.alert import leave_to_device, raise_alerts
from ml_core.domain.scoring.quiet_time import QuietTime, find_spared
from ml_core.domain.scoring.scoring_state import ScoringState, pick_new
from ml_core.domain.scoring.series_scoring import SeriesScoring, Told, conclude_batch, pass_by
from ml_core.domain.series import Readings
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.errors import (
    ArtifactMissingError,
    ConflictError,
    DatabaseUnavailableError,
    MLHealthError,
    describe_error,
)
from ml_core.ports.device_log import DeviceLog
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.quiet_calendar import QuietCalendar
from ml_core.ports.scoring_log import ScoringLog
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.ports.telemetry import TelemetrySource, Window
from ml_core.services.named_series import list_named
from ml_core.services.runs import RunRecorder
from ml_core.services.scoring.artifact_cache import ArtifactCache
from ml_core.services.scoring.asking import ReadyBatch, ask_alone, ask_together
from ml_core.services.scoring.scoring_tally import ScoringTally

logger = logging.getLogger(__name__)

Steps = ParamSpec("Steps")
Outcome = TypeVar("Outcome")

_MOVED = "it was scored or given another model meanwhile; nothing was written, the next run goes on from there"


@dataclass(frozen=True, kw_only=True)
class _Champion:
    """A series with its active model and where its scoring stands."""

    record: SeriesRecord
    version: ModelVersion
    state: ScoringState


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """One scoring run over the fleet.

    A series is scored as long as it has an active model, also while its training rests.
    """

    series: SeriesRegistry
    models: ModelRegistry
    telemetry: TelemetrySource
    log: ScoringLog
    artifacts: ArtifactCache
    calendar: QuietCalendar
    devices: DeviceLog
    policy: ScoringPolicy
    alerts: AlertPolicy
    grouping: DevicePolicy
    now: datetime
    dry_run: bool = False
    kinds: Sequence[Detector] | None = None
    """Detectors to choose from; None: the registered ones."""

    def score(self, run: RunRecorder, *, only: str | None = None) -> ScoringTally:
        """Score the fleet, or the series that `only` names, committing shard by shard.

        What an earlier attempt of the slot has done needs no memory: the watermarks are past it. Raises
        ConfigurationError where no series has that name.
        """
        tally = ScoringTally()
        records = list_named(self.series, only)
        size = self.policy.series_per_batch
        for start in range(0, len(records), size):
            run.progress("scoring", start, len(records))
            run.record(_worth_telling(self._score_shard(records[start : start + size], tally), run))
        run.progress("scoring", len(records), len(records))
        return tally

    def _score_shard(self, records: Sequence[SeriesRecord], tally: ScoringTally) -> list[RunItem]:
        champions = self._find_champions(records)
        quiet = self._list_quiet_times(champions)
        windows = {champion.record.series_id: self._window(champion) for champion in champions}
        fetched = self.telemetry.fetch([window for window in windows.values() if window is not None])
        told: dict[int, ReadyBatch | SeriesScoring | RunItem | None] = {}
        for champion in champions:
            window = windows[champion.record.series_id]
            if window is not None:
                ready = self._try(champion.record, self._prepare, champion, window, fetched[window.key])
                told[champion.record.series_id] = ready
        batches = [batch for batch in told.values() if isinstance(batch, ReadyBatch)]
        together = ask_together(batches)
        for batch in batches:
            series_id = batch.before.series_id
            told[series_id] = self._try(batch.record, self._conclude, batch, together.get(series_id))
        items = [outcome for outcome in told.values() if isinstance(outcome, RunItem)]
        scorings = [outcome for outcome in told.values() if isinstance(outcome, SeriesScoring)]
        tally.failed += len(items)
        grouped = self._find_grouped(scorings)
        return items + self._commit([self._raise_alerts(scoring, quiet, grouped) for scoring in scorings], tally)

    def _find_grouped(self, scorings: Sequence[SeriesScoring]) -> frozenset[int]:
        """Of series in which an episode opened, those that are told with other metrics of their device."""
        opened = {
            scoring.before.series_id: scoring.key
            for scoring in scorings
            if scoring.episodes_opened and self.grouping.groups(scoring.key)
        }
        if not opened:
            return frozenset()
        companions = self.devices.list_companions(list(opened))
        return frozenset(it for it in companions if any(self.grouping.groups(key) for key in companions[it]))

    def _list_quiet_times(self, champions: Sequence[_Champion]) -> list[QuietTime]:
        """Those that touch anything that is scored now."""
        if not champions:
            return []
        oldest = min(champion.state.looks_back_to(self._lateness) for champion in champions)
        return self.calendar.list_times(after=oldest, until=self.now)

    def _try(
        self, record: SeriesRecord, step: Callable[Steps, Outcome], *given: Steps.args, **named: Steps.kwargs
    ) -> Outcome | RunItem:
        """What the step comes to, or why it failed: one series' failure never stops the others."""
        try:
            return step(*given, **named)
        except MLHealthError as exc:
            reason = str(exc)
        except Exception as exc:
            logger.exception("scoring %s failed", record.key)
            reason = f"{type(exc).__name__}: {exc}"
        return RunItem(series_id=record.series_id, outcome=ItemOutcome.FAILED, reason=reason)

    def _raise_alerts(
        self, scoring: SeriesScoring, quiet: Sequence[QuietTime], grouped: frozenset[int]
    ) -> SeriesScoring:
        return raise_alerts(
            leave_to_device(scoring) if scoring.before.series_id in grouped else scoring,
            lambda at: find_spared(quiet, scoring.key, at=at, now=self.now),
            update_every=timedelta(hours=self.alerts.update_every_hours),
        )

    def _find_champions(self, records: Sequence[SeriesRecord]) -> list[_Champion]:
        ids = [record.series_id for record in records]
        versions = {
            version.series_id: version
            for version in self.models.list_versions(series_ids=ids, statuses=[ModelStatus.ACTIVE])
        }
        states = self.log.load(list(versions))
        return [
            _Champion(record=record, version=version, state=states.get(record.series_id) or self._begin(version))
            for record in records
            if (version := versions.get(record.series_id)) is not None
        ]

    def _begin(self, version: ModelVersion) -> ScoringState:
        """Once in the life of a series whose training has not begun its scoring."""
        watermark = version.training_to or version.created_at
        if not self.dry_run:
            self.log.begin(version.series_id, version.model_id, watermark=watermark, at=self.now)
        return ScoringState.begin(version.series_id, version.model_id, watermark=watermark)

    def _window(self, champion: _Champion) -> Window | None:
        state = champion.state
        after = state.looks_back_to(self._lateness)
        until = min(self.now, state.watermark + timedelta(days=self.policy.max_days_per_run))
        return Window(key=champion.record.key, after=after, until=until) if after < until else None

    def _prepare(self, champion: _Champion, window: Window, readings: Readings) -> ReadyBatch | SeriesScoring | None:
        """What is to be asked of the detector; where nothing can be scored, how the series moves on, if at all."""
        before, version = champion.state, champion.version
        newest = champion.record.newest_reading_at
        passed = window.until if newest is not None and newest > window.until else None
        new = pick_new(before, readings, lateness=self._lateness, passed=passed)
        if new is None:
            return None
        if len(new.batch) == 0:
            return pass_by(before, new, key=champion.record.key, lateness=self._lateness)
        if version.artifact_sha256 is None:
            raise ArtifactMissingError(f"version {version.version} has no artifact; train the series again")
        artifact = self.artifacts.read(version.artifact_sha256)
        detector = detector_of_kind(artifact.kind, self.kinds)
        return ReadyBatch(
            record=champion.record, version=version, detector=detector, artifact=artifact, before=before, new=new
        )

    def _conclude(self, batch: ReadyBatch, told: Told | None) -> SeriesScoring:
        """Everything that the answer changes; a series that has none yet is asked alone."""
        answer = ask_alone(batch) if told is None else told
        return conclude_batch(
            answer,
            batch.artifact,
            batch.before,
            batch.new,
            key=batch.record.key,
            model_id=batch.version.model_id,
            lateness=self._lateness,
        )

    def _commit(self, scorings: Sequence[SeriesScoring], tally: ScoringTally) -> list[RunItem]:
        """Write what was scored; what the store refuses is searched for by halves, so that it fails alone."""
        if self.dry_run or not scorings:
            tally.add(scorings)
            return []
        try:
            moved = self.log.commit(scorings, at=self.now, log_normal=self.policy.log_normal)
        except DatabaseUnavailableError:
            raise
        except ConflictError as exc:
            tally.skipped += len(scorings)
            return [_item(scoring, ItemOutcome.SKIPPED, str(exc)) for scoring in scorings]
        except Exception as exc:
            if len(scorings) > 1:
                half = len(scorings) // 2
                return self._commit(scorings[:half], tally) + self._commit(scorings[half:], tally)
            logger.exception("what was scored of %s cannot be stored", scorings[0].key)
            tally.failed += 1
            return [_item(scorings[0], ItemOutcome.FAILED, f"cannot be stored: {describe_error(exc)}")]
        return self._tell_committed(scorings, moved, tally)

    def _tell_committed(
        self, scorings: Sequence[SeriesScoring], moved: frozenset[int], tally: ScoringTally
    ) -> list[RunItem]:
        tally.add([scoring for scoring in scorings if scoring.before.series_id not in moved])
        tally.skipped += len(moved)
        return [
            _item(scoring, ItemOutcome.SKIPPED, _MOVED)
            if scoring.before.series_id in moved
            else _item(scoring, ItemOutcome.SUCCEEDED, None)
            for scoring in scorings
        ]

    @property
    def _lateness(self) -> timedelta:
        return timedelta(seconds=self.policy.lateness_s)


def _item(scoring: SeriesScoring, outcome: ItemOutcome, reason: str | None) -> RunItem:
    return RunItem(series_id=scoring.before.series_id, outcome=outcome, reason=reason)


def _worth_telling(items: Sequence[RunItem], run: RunRecorder) -> list[RunItem]:
    """Successes of a first attempt are told by watermarks and rollups: at every tick they would fill the run log.

    A later attempt tells them too, since the first may have written down a failure.
    """
    if run.run is not None and run.run.attempt > 1:
        return list(items)
    return [item for item in items if item.outcome is not ItemOutcome.SUCCEEDED]
