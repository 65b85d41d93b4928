"""A site on real PostgreSQL with versions, artifacts and detections of chosen ages, for the tests of the purge."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.domain.model_version import ModelStatus, ModelVersion, NewModel, TrainingCause
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.series import FIXED_TENANT
from ml_core.domain.task import TaskResult
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, Settings

NOW = datetime(2025, 6, 15, 4, 40, tzinfo=UTC)
DAY = timedelta(days=1)


def days_ago(days: float) -> datetime:
    """A moment before NOW."""
    return NOW - timedelta(days=days)


@dataclass
class Site:
    """One platform and ways to fill it."""

    database: Database
    url: str
    home: Path
    platform: Platform = field(init=False)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.set_up()

    def set_up(self, url: str | None = None, **retention: Any) -> None:
        """Open the platform anew with other settings of retention or as another user."""
        self.platform = Platform(
            Settings(
                home=self.home,
                database=DatabaseSettings(url=url or self.url),
                retention=RetentionPolicy(**retention),
            )
        )

    def purge(self, now: datetime = NOW, **kwargs: Any) -> TaskResult:
        """Run the task as every way in does."""
        return run_task(self.platform, "ml_purge", now=now, **kwargs)

    def rows(self, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        """What a query answers; nothing where it answers none."""
        with self.database.transaction() as cur:
            cur.execute(query, values)
            return cur.fetchall() if cur.description else []

    def add_series(self, device: str = "PUMP-1") -> int:
        """A series of some device."""
        return int(
            self.rows(
                "INSERT INTO ml_health.series (tenant_id, device_id, metric_name, discovered_at, state)"
                " VALUES (%s, %s, 'flow', %s, 'modelled') RETURNING id",
                (FIXED_TENANT, device, days_ago(400)),
            )[0][0]
        )

    def store(self, content: bytes, *, written_at: datetime) -> str:
        """An artifact that was written then."""
        stored = self.platform.artifacts.write(content)
        os.utime(stored.uri, (written_at.timestamp(), written_at.timestamp()))
        return stored.sha256

    def add_candidate(self, series_id: int, at: datetime, *, content: bytes | None = None) -> ModelVersion:
        """A version that was trained then, its artifact some bytes of its own unless they are given."""
        content = content or b"model %d" % next(self.numbers)
        sha256 = self.store(content, written_at=at)
        return self.platform.models.add(
            NewModel(
                series_id=series_id,
                kind="isolation_forest",
                trained_at=at,
                cause=TrainingCause.AGE,
                training_from=at - 28 * DAY,
                training_to=at,
                training_samples=4000,
                training_ms=10.0,
                contamination=None,
                n_estimators=100,
                target_alarm_rate=0.001,
                artifact_sha256=sha256,
                artifact_uri=sha256,
                artifact_bytes=len(content),
                metadata={},
            )
        )

    def add_active(self, series_id: int, at: datetime, *, content: bytes | None = None) -> ModelVersion:
        """A version that was promoted then; the one before it retired at that moment."""
        active = self.platform.models.list_versions(series_ids=[series_id], statuses=[ModelStatus.ACTIVE])
        version = self.add_candidate(series_id, at, content=content)
        champion_id = active[0].model_id if active else None
        self.platform.models.promote(version.model_id, champion_id=champion_id, at=at, reason="better")
        return version

    def give_up(self, version: ModelVersion, status: ModelStatus, at: datetime) -> None:
        """Reject or quarantine a version."""
        event = "not_promoted" if status is ModelStatus.REJECTED else "quarantined"
        self.platform.models.set_status(version.model_id, status, at=at, reason="test", event=event)

    def add_weeks(self, series_id: int, weeks: int, *, first_days_ago: float) -> list[ModelVersion]:
        """Versions promoted one a week; the last one stays active."""
        return [self.add_active(series_id, days_ago(first_days_ago - 7 * week)) for week in range(weeks)]

    def statuses(self, series_id: int | None = None) -> list[str]:
        """Where each version stands, by series and number."""
        ids = None if series_id is None else [series_id]
        return [version.status.value for version in self.platform.models.list_versions(series_ids=ids)]

    def artifacts(self) -> set[str]:
        """Hashes in the store."""
        return {artifact.sha256 for artifact in self.platform.artifacts.list_artifacts()}

    def trash(self) -> list[str]:
        """Hashes in the trash."""
        return sorted(path.name.partition("-")[2] for path in self.home.glob("artifacts/trash/*"))

    def add_detections(self, series_id: int, first: datetime, number: int) -> None:
        """Flagged readings an hour apart, and the partitions for them."""
        last = first + timedelta(hours=number)
        self.rows("SELECT ml_health.ensure_detection_partitions(%s, %s)", (first, last))
        self.rows(
            "INSERT INTO public.anomaly_detections"
            " (device_id, metric_name, series_id, value, anomaly_score, is_anomaly, frozen_score, metadata, timestamp)"
            """ SELECT 'PUMP-1', 'flow', %s, i / 7.0, -0.1, true, CASE WHEN i > 3 THEN 0.5 END, '{"reason": "µ"}',"""
            " %s + i * interval '1 hour' FROM generate_series(0, %s - 1) AS i",
            (series_id, first, number),
        )

    def partitions(self) -> list[str]:
        """Months of the anomaly log by name."""
        found = self.rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            r" WHERE inhparent = 'public.anomaly_detections'::regclass AND inhrelid::regclass::text ~ '_\d{4}_\d{2}$'"
            " ORDER BY 1"
        )
        return [name for (name,) in found]

    def add_finding(self, series_id: int, model_id: UUID, *, incident_id: int | None = None, resolved: bool) -> None:
        """A finding about a model."""
        self.rows(
            "INSERT INTO ml_health.finding (check_name, series_id, sequence, severity, message, model_id, incident_id,"
            " opened_at, seen_at, resolved_at) VALUES ('drift', %s, 1, 'warning', 'drifts', %s, %s, %s, %s, %s)",
            (series_id, model_id, incident_id, NOW, NOW, NOW if resolved else None),
        )

    def add_incident(self) -> int:
        """An incident that is open."""
        return int(
            self.rows(
                "INSERT INTO ml_health.incident (fingerprint, sequence, check_name, scope, severity, title, opened_at,"
                " updated_at) VALUES ('f', 1, 'drift', 's', 'warning', 't', %s, %s) RETURNING id",
                (NOW, NOW),
            )[0][0]
        )

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that a purge may touch, and every file."""
        tables = (
            "public.ml_models",
            "public.anomaly_detections",
            "ml_health.run",
            "ml_health.run_item",
            "ml_health.check_result",
            "ml_health.model_event",
            "ml_health.verdict",
            "ml_health.activity_hourly",
            "ml_health.fleet_hourly",
        )
        rows = {table: self.rows(f"SELECT row_to_json(t)::text FROM {table} AS t ORDER BY 1") for table in tables}
        files = sorted(path for path in (self.home / "artifacts").rglob("*") if path.is_file())
        rows["files"] = [(path.relative_to(self.home).as_posix(), path.stat().st_mtime) for path in files]
        return rows
