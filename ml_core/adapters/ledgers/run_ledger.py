"""Runs in PostgreSQL: one row a (task, slot), every later write fenced by the attempt that makes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json
from ml_core.domain.task import ItemOutcome, Outcome, RunItem
from ml_core.errors import ConflictError
from ml_core.ports.run_ledger import RunRecord
from ml_core.sql import load_queries


class PostgresRunLedger:
    """Table ml_health.run and its items."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("run_ledger")

    def begin(
        self, task: str, slot: datetime, *, at: datetime, max_attempts: int, params: Mapping[str, Any]
    ) -> RunRecord | None:
        """Open or reopen the slot; None where it is done. The caller holds the task's lock."""
        row = {
            "task": task,
            "slot": slot,
            "at": at,
            "max_attempts": max_attempts,
            "params": to_json(params),
            "owner": f"{socket.gethostname()}:{os.getpid()}",
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["close_abandoned"], row)
            return self._fetch_run(cur, "open_slot", row)

    def record_items(self, run: RunRecord, items: Sequence[RunItem], *, at: datetime) -> None:
        """Write what was done to some series; ConflictError where another attempt has taken over."""
        with self._database.transaction() as cur:
            self._hold(cur, run)
            self._save_items(cur, run, items, at)

    def begin_series(self, run: RunRecord, series_ids: Sequence[int], *, at: datetime) -> frozenset[int]:
        """Write down that some series are begun; those among them at which an earlier attempt died."""
        with self._database.transaction() as cur:
            self._hold(cur, run)
            cur.execute(self._queries["started_series"], {"run_id": run.run_id, "series_ids": list(series_ids)})
            suspects = frozenset(series_id for (series_id,) in cur.fetchall())
            started = [RunItem(series_id=series_id, outcome=ItemOutcome.STARTED) for series_id in series_ids]
            self._save_items(cur, run, started, at)
        return suspects

    def finished_series(self, run: RunRecord) -> frozenset[int]:
        """Series that this slot has dealt with already (not those that failed)."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["finished_series"], {"run_id": run.run_id})
            return frozenset(series_id for (series_id,) in cur.fetchall())

    def finish(
        self,
        run: RunRecord,
        outcome: Outcome,
        *,
        at: datetime,
        reason: str | None,
        counts: Mapping[str, int | float],
        duration_ms: float,
    ) -> None:
        """Close the run; ConflictError where another attempt has taken over."""
        row = {
            **_name_attempt(run),
            "outcome": outcome.value,
            "at": at,
            "reason": reason,
            "counts": to_json(counts),
            "duration_ms": duration_ms,
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["finish"], row)
            if cur.rowcount == 0:
                raise _taken_over(run)
            cur.execute(self._queries["forget_started"], row)

    def find(self, task: str, slot: datetime) -> RunRecord | None:
        """The run of one slot, if there is one."""
        with self._database.transaction() as cur:
            return self._fetch_run(cur, "find", {"task": task, "slot": slot})

    def latest(self, task: str, *, until: datetime, outcomes: Sequence[Outcome] | None = None) -> RunRecord | None:
        """The run of that task and those outcomes with the newest slot up to `until`."""
        names = None if outcomes is None else [outcome.value for outcome in outcomes]
        with self._database.transaction() as cur:
            return self._fetch_run(cur, "latest", {"task": task, "until": until, "outcomes": names})

    def _hold(self, cur: cursor, run: RunRecord) -> None:
        cur.execute(self._queries["hold_attempt"], _name_attempt(run))
        if cur.fetchone() is None:
            raise _taken_over(run)

    def _save_items(self, cur: cursor, run: RunRecord, items: Sequence[RunItem], at: datetime) -> None:
        newest = {item.series_id: item for item in items}
        row = {
            "run_id": run.run_id,
            "at": at,
            "series_ids": list(newest),
            "outcomes": [item.outcome.value for item in newest.values()],
            "reasons": [item.reason for item in newest.values()],
        }
        cur.execute(self._queries["save_items"], row)

    def _fetch_run(self, cur: cursor, query: str, row: Mapping[str, Any]) -> RunRecord | None:
        cur.execute(self._queries[query], row)
        found = cur.fetchone()
        if found is None:
            return None
        run_id, task, slot, attempt, outcome, started_at, finished_at, reason, counts = found
        return RunRecord(
            run_id=run_id,
            task=task,
            slot=slot,
            attempt=attempt,
            outcome=Outcome(outcome),
            started_at=started_at,
            finished_at=finished_at,
            reason=reason,
            counts=counts,
        )


def _name_attempt(run: RunRecord) -> dict[str, int]:
    return {"run_id": run.run_id, "attempt": run.attempt}


def _taken_over(run: RunRecord) -> ConflictError:
    return ConflictError(
        f"run {run.run_id} of {run.task}, slot {run.slot:%Y-%m-%d %H:%M}Z: attempt {run.attempt} is no longer "
        "the one under way, so nothing of it was written; another process has taken the slot over"
    )
