"""A fleet of thousands of series with months of anomalies, made by the database itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ml_core.adapters.postgres.database import Database

_HEADER = re.compile(r"^-- ([a-z_]+) --\s*$", re.MULTILINE)
STATEMENT_TIMEOUT_S = 3600


@dataclass(frozen=True, kw_only=True)
class FleetSize:
    """How much of everything."""

    series: int
    detections: int
    months: int
    """Partitions of the anomaly log, one a month."""
    rollup_days: int


def add_large_fleet(
    database: Database, size: FleetSize, *, now: datetime, told: Callable[[str], None] = lambda _: None
) -> None:
    """Write the fleet and let the database look at it, as autovacuum would."""
    text = (Path(__file__).parent / "large_fleet.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)
    for name, statement in zip(parts[1::2], parts[2::2], strict=True):
        told(name)
        with database.transaction(statement_timeout_s=STATEMENT_TIMEOUT_S) as cur:
            cur.execute(statement, {**asdict(size), "now": now})
    with database.transaction(statement_timeout_s=STATEMENT_TIMEOUT_S) as cur:
        told("analyze")
        cur.execute("ANALYZE")
