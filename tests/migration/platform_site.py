"""A database as the platform itself makes it: its own two tables, with rows, with or without tenants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg2 import sql

from ml_core.adapters.postgres.database import Database

PLATFORM_TABLES = """
CREATE TABLE ml_models (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    model_type varchar(50) DEFAULT 'isolation_forest',
    model_path text NOT NULL,
    status varchar(50) DEFAULT 'active',
    accuracy float,
    false_positive_rate float,
    training_samples int,
    contamination float NOT NULL DEFAULT 0.1,
    n_estimators int DEFAULT 100,
    trained_at timestamp,
    last_used_at timestamp,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now(),
    UNIQUE (device_id, metric_name, status)
);
CREATE TABLE anomaly_detections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    model_id uuid REFERENCES ml_models (id) ON DELETE CASCADE,
    device_id varchar(255) NOT NULL,
    metric_name varchar(255) NOT NULL,
    value float NOT NULL,
    anomaly_score float NOT NULL,
    is_anomaly boolean NOT NULL,
    confidence float,
    "timestamp" timestamp DEFAULT now(),
    metadata jsonb,
    telemetry_id uuid
);
CREATE INDEX idx_anomaly_detections_timestamp ON anomaly_detections ("timestamp" DESC);
"""
TENANCY = """
CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);
INSERT INTO tenants VALUES (%(one)s, 'one'), (%(two)s, 'two');
ALTER TABLE ml_models ADD tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE anomaly_detections ADD tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE;
CREATE INDEX idx_ml_models_tenant ON ml_models (tenant_id);
CREATE INDEX idx_ml_models_tenant_device ON ml_models (tenant_id, device_id);
CREATE INDEX idx_anomaly_detections_tenant ON anomaly_detections (tenant_id);
CREATE INDEX idx_anomaly_detections_tenant_device ON anomaly_detections (tenant_id, device_id);
"""
ONE, TWO = UUID(int=1), UUID(int=2)


@dataclass
class PlatformSite:
    """The platform's own reads and writes; `tenants` are those it knows, none on an older site."""

    database: Database
    tenants: tuple[UUID, ...] = ()
    added: int = field(default=0, init=False)

    def make_tables(self) -> None:
        """What the platform's own set-up does."""
        self.execute(PLATFORM_TABLES)
        if self.tenants:
            self.execute(TENANCY, {"one": ONE, "two": TWO})

    def execute(self, statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and answer its rows."""
        with self.database.transaction() as cur:
            cur.execute(statement, values)
            return cur.fetchall() if cur.description else []

    def add_model(self, device: str = "PUMP-1", *, tenant: UUID | None = None, **columns: Any) -> UUID:
        """A model as the platform writes it: only its own columns, times without a zone."""
        row = {"id": uuid4(), "device_id": device, "metric_name": "flow", "model_path": f"/models/{device}.pkl"}
        self._insert("ml_models", row | columns, tenant)
        return row["id"]  # type: ignore[return-value]

    def add_detection(
        self,
        model: UUID | None,
        at: datetime | None,
        device: str = "PUMP-1",
        *,
        tenant: UUID | None = None,
        **columns: Any,
    ) -> UUID:
        """A detection as the platform writes it."""
        row = {"id": uuid4(), "model_id": model, "device_id": device, "metric_name": "flow", "timestamp": at}
        scored = {"value": 9.5, "anomaly_score": -0.2, "is_anomaly": True, "confidence": 0.9}
        self._insert("anomaly_detections", row | scored | columns, tenant)
        return row["id"]  # type: ignore[return-value]

    def _insert(self, table: str, row: dict[str, Any], tenant: UUID | None) -> None:
        if self.tenants:
            row["tenant_id"] = tenant or self.tenants[0]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        with self.database.transaction() as cur:
            cur.execute(statement, row)

    def partitions(self) -> list[str]:
        """The parts of the anomaly log."""
        return [
            name
            for (name,) in self.execute(
                "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
                "WHERE inhparent = 'public.anomaly_detections'::regclass ORDER BY relname"
            )
        ]

    def part_of(self, detection: UUID) -> str:
        """The partition that holds a detection."""
        rows = self.execute(
            "SELECT tableoid::regclass::text FROM anomaly_detections WHERE id = %(id)s", {"id": detection}
        )
        return str(rows[0][0])
