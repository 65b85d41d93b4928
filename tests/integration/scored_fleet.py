"""A fleet of trained series on a real database, scored through the real adapters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql

from ml_core.adapters.artifacts.artifact_store import FsspecArtifactStore
from ml_core.adapters.ledgers.device_log import PostgresDeviceLog
from ml_core.adapters.ledgers.model_registry import PostgresModelRegistry
from ml_core.adapters.ledgers.quiet_calendar import PostgresQuietCalendar
from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger
from ml_core.adapters.ledgers.scoring_log import PostgresScoringLog
from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry
from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.adapters.readings.telemetry import PostgresTelemetry, TelemetryMapping
from ml_core.domain.detectors.artifact_format import encode
from ml_core.domain.detectors.detector import Detector, FitOptions
from ml_core.domain.model_version import ModelVersion, NewModel, TrainingCause
from ml_core.domain.policies import AlertPolicy, DevicePolicy, ScoringPolicy
from ml_core.domain.series import FIXED_TENANT, Readings, SeriesKey, to_instant
from ml_core.domain.series_record import SeriesRecord
from ml_core.ports.scoring_log import ScoringLog
from ml_core.services.runs import RunRecorder
from ml_core.services.scoring.artifact_cache import ArtifactCache
from ml_core.services.scoring.fleet_scoring import Scoring
from ml_core.services.scoring.scoring_tally import ScoringTally
from tests.detectors import BrokenDetector, DriftingZDetector, RobustZDetector

START = datetime(2025, 3, 1, 10, 0, tzinfo=UTC)
"""Where training ends and scoring begins."""
KINDS: Sequence[Detector] = (RobustZDetector(), DriftingZDetector(), BrokenDetector())
MAPPING = TelemetryMapping(
    relation="ml_health.telemetry",
    device_column="device_id",
    metric_column="metric_name",
    value_column="value",
    timestamp_column="timestamp",
    tenant_column="tenant_id",
)
TELEMETRY = sql.Identifier("ml_health", "telemetry")


def at(minute: float) -> datetime:
    """A moment after the training."""
    return START + timedelta(minutes=minute)


@dataclass
class Fleet:
    """What a scoring run needs, and what it left behind."""

    database: Database
    folder: Path
    policy: ScoringPolicy = field(default_factory=ScoringPolicy)
    log: ScoringLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = PostgresScoringLog(self.database)
        self.series = PostgresSeriesRegistry(self.database)
        self.models = PostgresModelRegistry(self.database)
        self.artifacts = FsspecArtifactStore(str(self.folder))
        self.runs = PostgresRunLedger(self.database)
        self.calendar = PostgresQuietCalendar(self.database)

    def add_series(
        self, device: str, detector: Detector = KINDS[0], *, tenant: UUID = FIXED_TENANT, start: datetime = START
    ) -> SeriesRecord:
        """A series with an active model that was trained on a quiet day before `start`."""
        key = SeriesKey(device=device, metric="flow", tenant=tenant)
        with self.database.transaction() as cur:
            cur.execute(
                "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at, state) "
                "VALUES (%s, %s, 'flow', %s, 'modelled')",
                (tenant, device, start),
            )
        record = self.series.list_series(keys=[key])[0]
        self.promote(record, detector, start=start)
        return record

    def promote(self, record: SeriesRecord, detector: Detector, *, start: datetime = START) -> ModelVersion:
        """Train another version and make it the active one."""
        stamps = to_instant(start) - np.arange(144).astype("timedelta64[m]") * 10
        artifact = detector.fit(Readings.clean(stamps, np.sin(np.arange(144.0))), FitOptions())
        stored = self.artifacts.write(encode(artifact))
        champion = self.champion(record)
        version = self.models.add(
            NewModel(
                series_id=record.series_id,
                kind=detector.kind,
                trained_at=start,
                cause=TrainingCause.FIRST,
                training_from=start - timedelta(days=1),
                training_to=start,
                training_samples=144,
                training_ms=1.0,
                contamination=None,
                n_estimators=1,
                target_alarm_rate=0.001,
                artifact_sha256=stored.sha256,
                artifact_uri=stored.uri,
                artifact_bytes=stored.size_bytes,
                metadata=dict(artifact.metadata),
            )
        )
        champion_id = None if champion is None else champion.model_id
        self.models.promote(version.model_id, champion_id=champion_id, at=start, reason="test")
        return version

    def champion(self, record: SeriesRecord) -> ModelVersion | None:
        """The active version."""
        versions = self.models.list_versions(series_ids=[record.series_id])
        return next((version for version in versions if version.status == "active"), None)

    def send(self, record: SeriesRecord, minutes: Iterable[float], values: Iterable[float]) -> None:
        """Readings arrive."""
        key = record.key
        rows = [
            (key.tenant, key.device, key.metric, at(minute), float(value))
            for minute, value in zip(minutes, values, strict=True)
        ]
        columns = ("tenant_id", "device_id", "metric_name", "timestamp", "value")
        with self.database.transaction() as cur:
            copy_rows(cur, TELEMETRY, columns, rows)

    def scoring(self, now: datetime, **changes: Any) -> Scoring:
        """The service with real adapters."""
        scoring = Scoring(
            series=self.series,
            models=self.models,
            telemetry=PostgresTelemetry(self.database, MAPPING),
            log=self.log,
            artifacts=ArtifactCache(self.artifacts, max_bytes=1_000_000),
            calendar=self.calendar,
            devices=PostgresDeviceLog(self.database),
            policy=self.policy,
            alerts=AlertPolicy(),
            grouping=DevicePolicy(),
            now=now,
            kinds=KINDS,
        )
        return replace(scoring, **changes)

    def score(self, now: datetime, **changes: Any) -> ScoringTally:
        """One run."""
        return self.scoring(now, **changes).score(self.recorder(now))

    def recorder(self, now: datetime, *, slot: datetime | None = None, task: str = "ml_score") -> RunRecorder:
        """A run in the ledger; a task has one at a time."""
        run = self.runs.begin(task, slot or now, at=now, max_attempts=3, params={})
        return RunRecorder(
            ledger=self.runs,
            run=run,
            now=now,
            should_stop=lambda: False,
            progress=lambda what, done, total: None,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self.database.transaction() as cur:
            cur.execute(query)
            return cur.fetchall()

    def detections(self) -> list[tuple[Any, ...]]:
        """Device, minute after START, value and flag of every row of the anomaly log, in order."""
        return [
            (device, (stamp - START).total_seconds() / 60, value, flag)
            for device, stamp, value, flag in self.rows(
                'SELECT device_id, "timestamp", value, is_anomaly FROM public.anomaly_detections '
                'ORDER BY device_id, "timestamp"'
            )
        ]

    def activity(self) -> list[tuple[Any, ...]]:
        """Sums of all rollups: scored, anomalies, episodes, late, dropped, out of range, calls."""
        return self.rows(
            "SELECT sum(scored)::int, sum(anomalies)::int, sum(episodes)::int, sum(late)::int, sum(dropped)::int, "
            "sum(out_of_range)::int, sum(calls)::int FROM ml_health.activity_hourly"
        )

    def episodes(self) -> list[tuple[Any, ...]]:
        """Opening, last alarm, closing and alarms of every episode by series."""
        return self.rows(
            "SELECT series_id, opened_at, last_alarm_at, closed_at, alarms, peak_score, peak_value, peak_at "
            "FROM ml_health.episode ORDER BY series_id, opened_at"
        )


def noisy(n: int, *, seed: int = 3) -> NDArray[np.float64]:
    """A quiet series with some far outliers, singly and in bursts."""
    rng = np.random.default_rng(seed)
    values: NDArray[np.float64] = np.sin(np.arange(n) / 9.0) + rng.normal(0, 0.1, n)
    bursts = rng.choice(n, size=max(1, n // 60), replace=False)
    for first in bursts:
        values[first : first + int(rng.integers(1, 4))] += 12.0
    return values
