"""A fleet of really trained series on a real database, for the daily checks run as tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg2 import sql
from scipy.signal import lfilter

from ml_core.adapters.postgres.database import copy_rows
from ml_core.bootstrap import Platform
from ml_core.domain.detectors.artifact_format import encode
from ml_core.domain.detectors.detector import FitOptions, ModelArtifact
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.model_version import ModelStatus, ModelVersion, NewModel, TrainingCause
from ml_core.domain.series import FIXED_TENANT, Readings, SeriesKey, to_datetime, to_instant
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import TaskResult
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings

NOW = datetime(2025, 6, 15, 2, 5, tzinfo=UTC)
"""The first check."""
INTERVAL_S = 600
TRAINING_DAYS = 14
OPTIONS = FitOptions(n_estimators=10)


def remembering(n: int, phi: float, seed: int) -> NDArray[np.float64]:
    """A first-order autoregression of variance 1."""
    noise = np.random.default_rng(seed).normal(size=n + 500)
    return lfilter([1.0], [1.0, -phi], noise)[500:] * np.sqrt(1 - phi**2)


class HealthFleet:
    """Series with readings, models and a scoring that is up to date."""

    def __init__(self, database_url: str, home: Path, **sections: Any) -> None:
        settings = Settings(home=home, database=DatabaseSettings(url=database_url), **sections)
        self.platform = Platform(settings)
        self.home = home

    def add_series(
        self,
        device: str,
        *,
        metric: str = "temperature",
        level: float = 20.0,
        spread: float = 2.0,
        phi: float = 0.5,
        seed: int = 0,
        days_after: int = 4,
        interval_s: int = INTERVAL_S,
        trained_at: datetime = NOW - timedelta(hours=1),
        state: str = "modelled",
    ) -> tuple[SeriesRecord, Readings]:
        """A series with readings up to `days_after` after NOW, not stored yet, and no model yet."""
        key = SeriesKey(device=device, metric=metric)
        with self.platform.database.transaction() as cur:
            cur.execute(
                "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at, state) "
                "VALUES (%s, %s, %s, %s, %s)",
                (FIXED_TENANT, device, metric, trained_at, state),
            )
        n = (TRAINING_DAYS + days_after) * 86_400 // interval_s
        end = to_instant(NOW + timedelta(days=days_after))
        stamps = end - (np.arange(n)[::-1] * interval_s).astype("timedelta64[s]")
        readings = Readings.clean(stamps, level + spread * remembering(n, phi, seed))
        return self.platform.series.list_series(keys=[key])[0], readings

    def train(
        self, record: SeriesRecord, readings: Readings, *, trained_at: datetime = NOW - timedelta(hours=1)
    ) -> ModelVersion:
        """Train on what came before `trained_at` and make it the active version."""
        training = readings.between(trained_at - timedelta(days=TRAINING_DAYS), trained_at)
        artifact = IsolationForestDetector().fit(training, OPTIONS)
        stored = self.platform.artifacts.write(encode(artifact))
        version = self.platform.models.add(
            NewModel(
                series_id=record.series_id,
                kind=artifact.kind,
                trained_at=trained_at,
                cause=TrainingCause.FIRST,
                training_from=to_datetime(training.timestamps[0]),
                training_to=to_datetime(training.timestamps[-1]),
                training_samples=len(training),
                training_ms=1.0,
                contamination=None,
                n_estimators=10,
                target_alarm_rate=0.001,
                artifact_sha256=stored.sha256,
                artifact_uri=stored.uri,
                artifact_bytes=stored.size_bytes,
                metadata=dict(artifact.metadata),
            )
        )
        champion = next((model for model in self.versions(record) if model.status is ModelStatus.ACTIVE), None)
        champion_id = None if champion is None else champion.model_id
        self.platform.models.promote(version.model_id, champion_id=champion_id, at=trained_at, reason="test")
        self.platform.scoring.begin(record.series_id, version.model_id, watermark=trained_at, at=trained_at)
        return version

    def send(self, record: SeriesRecord, readings: Readings) -> None:
        """Store readings, and score them all the way."""
        rows = (
            (record.key.device, record.key.metric, stamp, float(value))
            for stamp, value in zip(map(to_datetime, readings.timestamps), readings.values, strict=True)
        )
        table = sql.Identifier("ml_health", "telemetry")
        with self.platform.database.transaction() as cur:
            copy_rows(cur, table, ["device_id", "metric_name", "timestamp", "value"], rows)
            cur.execute(
                "UPDATE ml_health.detector_state SET watermark = %s WHERE series_id = %s",
                (to_datetime(readings.timestamps[-1]), record.series_id),
            )

    def add_healthy(self, device: str, **options: Any) -> SeriesRecord:
        """A series with a model, whose readings go on as they were."""
        record, readings = self.add_series(device, **options)
        self.train(record, readings, trained_at=options.get("trained_at", NOW - timedelta(hours=1)))
        self.send(record, readings)
        return record

    def run(self, task: str, *, now: datetime = NOW, **options: Any) -> TaskResult:
        """One slot of a task."""
        slot = now.replace(minute=0 if task == "ml_health_check" else 1)
        return run_task(self.platform, task, now=now, slot=slot, **options)

    def health(self, record: SeriesRecord) -> tuple[str, str]:
        """The stored health and its reasons in one text."""
        known = self.platform.series.list_series(keys=[record.key])[0]
        return known.health.value, "; ".join(known.health_reasons)

    def open_findings(self, record: SeriesRecord | None = None, *, now: datetime = NOW) -> dict[str, Finding]:
        """Open findings by check, of one series or of the fleet."""
        series_id = None if record is None else record.series_id
        found = self.platform.findings.list_open(now=now)
        return {finding.check: finding for finding in found if finding.series_id == series_id}

    def versions(self, record: SeriesRecord) -> list[ModelVersion]:
        """All versions of a series."""
        return self.platform.models.list_versions(series_ids=[record.series_id])

    def version(self, model_id: UUID) -> ModelVersion:
        """One version as it stands."""
        return next(model for model in self.platform.models.list_versions() if model.model_id == model_id)

    def flip_one_byte(self, model: ModelVersion) -> None:
        """Damage an artifact on disk."""
        path = self._path(model)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    def replace_artifact(self, record: SeriesRecord, artifact: ModelArtifact) -> None:
        """Give the only version of a series another artifact."""
        stored = self.platform.artifacts.write(encode(artifact))
        with self.platform.database.transaction() as cur:
            # The database keeps a serving version's artifact, so that only damage like this one changes it.
            cur.execute("SET LOCAL session_replication_role = replica")
            cur.execute(
                "UPDATE public.ml_models SET artifact_sha256 = %s WHERE series_id = %s",
                (stored.sha256, record.series_id),
            )

    def lose(self, model: ModelVersion) -> None:
        """Remove an artifact from disk."""
        self._path(model).unlink()

    def _path(self, model: ModelVersion) -> Path:
        assert model.artifact_sha256 is not None
        return next((self.home / "artifacts").rglob(model.artifact_sha256))


def changed_from(readings: Readings, start: datetime, values: NDArray[np.float64]) -> Readings:
    """The readings, with the given values in place of theirs after `start`."""
    after = readings.timestamps > to_instant(start)
    return replace(readings, values=np.where(after, values, readings.values))
