"""Who works on a site's database, and a night's work of theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import numpy as np
from psycopg2 import sql

from ml_core.adapters.postgres.database import Database, copy_rows
from ml_core.bootstrap import Platform
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.policies import RetentionPolicy
from ml_core.domain.task import TaskResult
from ml_core.entrypoints.runner import run_task
from ml_core.settings import DatabaseSettings, GrafanaSettings, Settings, TelemetrySettings

START = datetime(2025, 3, 1, 12, 20, tzinfo=UTC)
"""When the first model is made."""
TEN_MINUTES = timedelta(minutes=10)
DAYS_BEFORE, DAYS_AFTER = 20, 8


class LoginMaker(Protocol):
    """Makes a login and answers its URL."""

    def __call__(self, url: str, *groups: str, rights: str = "") -> str:
        """Make one on the database of `url`, a member of these groups."""
        ...


def site_settings(url: str, home: Path) -> Settings:
    """A site whose platform keeps telemetry in a table of its own, with tenants."""
    return Settings(
        home=home,
        database=DatabaseSettings(url=url),
        telemetry=TelemetrySettings(relation="public.telemetry", metric_column="key", tenant_column="tenant_id"),
        detector=FitOptions(n_estimators=10),
        # Logins belong to the whole server: each site of the tests has one of its own.
        grafana=GrafanaSettings(reader_user=f"grafana_of_{url.rsplit('/', 1)[1]}"),
        retention=RetentionPolicy(detection_days=30.0, archive_url=str(home / "archive")),
    )


def make_telemetry(database: Database, tenants: tuple[UUID, ...]) -> None:
    """The platform's telemetry: a device of one name in each tenant, quiet but for one spike after START."""
    with database.transaction() as cur:
        cur.execute(
            "CREATE TABLE public.telemetry (id bigint GENERATED ALWAYS AS IDENTITY, tenant_id uuid NOT NULL,"
            " device_id varchar(255) NOT NULL, key varchar(255) NOT NULL, value float, timestamp timestamp NOT NULL)"
        )
        first, count = START - timedelta(days=DAYS_BEFORE), (DAYS_BEFORE + DAYS_AFTER) * 144
        for number, tenant in enumerate(tenants):
            values = 50 + np.random.default_rng(number).normal(size=count)
            values[DAYS_BEFORE * 144 + 30] = 90.0
            rows = [(tenant, "PUMP-1", "flow", float(value), first + TEN_MINUTES * i) for i, value in enumerate(values)]
            columns = ["tenant_id", "device_id", "key", "value", "timestamp"]
            copy_rows(cur, sql.Identifier("public", "telemetry"), columns, rows)


def work_a_week(platform: Platform, *, purged: bool = True) -> dict[str, TaskResult]:
    """Every task as it falls due from START on: first models, scoring, checks, retrain, and months later the purge."""
    moments = {
        "ml_discover": START,
        "ml_score": START + timedelta(days=7),
        "ml_health_check": START + timedelta(days=7, minutes=5),
        "ml_degradation": START + timedelta(days=7, minutes=10),
        "ml_retrain": START + timedelta(days=7, minutes=15),
        "ml_audit": START + timedelta(days=7, minutes=20),
        "ml_escalate": START + timedelta(days=7, minutes=30),
        "ml_grafana": START + timedelta(days=120),
    }
    results = {task: run_task(platform, task, now=now) for task, now in moments.items()}
    return results | {"ml_purge": purge(platform, START + timedelta(days=120))} if purged else results


def purge(platform: Platform, now: datetime) -> TaskResult:
    """Purge as a person does who has read the plan and agrees."""
    *_, words = run_task(platform, "ml_purge", now=now, dry_run=True).findings
    plan_hash = words["message"].split()[1].rstrip(":")
    return run_task(platform, "ml_purge", now=now, params={"confirm": plan_hash})
