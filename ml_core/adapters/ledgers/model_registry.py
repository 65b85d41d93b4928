"""The registry of model versions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2.errors import RestrictViolation
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.json_rows import to_json
from ml_core.domain.model_version import (
    ModelEvent,
    ModelStatus,
    ModelVersion,
    NewModel,
    TrainingCause,
    check_transition,
)
from ml_core.errors import ConflictError
from ml_core.sql import load_queries

_COLUMNS = tuple(item.name for item in fields(ModelVersion))


class PostgresModelRegistry:
    """Tables ml_models and model_event; a series' row is held while its versions change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("model_registry")

    def list_versions(
        self,
        *,
        series_ids: Sequence[int] | None = None,
        statuses: Sequence[ModelStatus] | None = None,
        model_ids: Sequence[UUID] | None = None,
    ) -> list[ModelVersion]:
        """Versions of those series, in those states, with those ids (None: all), by series and number."""
        filters = {
            "series_ids": None if series_ids is None else list(series_ids),
            "statuses": None if statuses is None else [status.value for status in statuses],
            "model_ids": None if model_ids is None else list(model_ids),
        }
        with self._database.transaction() as cur:
            cur.execute(self._queries["list_versions"], filters)
            return _read_versions(cur)

    def add(self, model: NewModel) -> ModelVersion:
        """Number a candidate within its series and write it with a `trained` event."""
        values = asdict(model) | {"cause": model.cause.value, "metadata": to_json(model.metadata)}
        with self._database.transaction() as cur:
            cur.execute(self._queries["lock_series"], values)
            if cur.rowcount == 0:
                raise ConflictError(f"series {model.series_id} is not known; run ml_discover first")
            cur.execute(self._queries["insert_candidate"], values)
            (version,) = _read_versions(cur)
            trained = ModelEvent(
                series_id=model.series_id,
                event="trained",
                happened_at=model.trained_at,
                model_id=version.model_id,
                cause=model.cause.value,
                reason=f"version {version.version}, trained on {model.training_samples} readings",
            )
            self._write_events(cur, [trained])
        return version

    def promote(
        self,
        model_id: UUID,
        *,
        champion_id: UUID | None,
        at: datetime,
        reason: str,
        event: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Make it the active version in place of `champion_id`, which retires; ConflictError if that changed."""
        with self._database.transaction() as cur:
            standing = self._hold(cur, model_id)
            champion = self._champion(cur, standing["series_id"])
            if (champion["id"] if champion else None) != champion_id:
                raise ConflictError(
                    f"series {standing['series_id']} has another active version than the one compared with; "
                    "nothing was promoted, compare again"
                )
            rolled_back = standing["status"] == ModelStatus.RETIRED
            check_transition(ModelStatus(standing["status"]), ModelStatus.ACTIVE)
            _require_artifact(standing)
            if champion and champion["pinned"] and not rolled_back:
                raise ConflictError(
                    f"version {champion['version']} of series {standing['series_id']} was pinned meanwhile and stays; "
                    "unpin it first"
                )
            if champion:
                replaced = f"replaced by version {standing['version']}"
                cur.execute(self._queries["retire"], {"model_id": champion_id, "at": at, "reason": replaced})
            cur.execute(self._queries["activate"], {"model_id": model_id, "at": at, "reason": reason})
            told = event or ("rolled_back" if rolled_back else "promoted")
            self._tell(cur, standing, model_id, at=at, event=told, reason=reason, evidence=evidence)

    def set_status(
        self,
        model_id: UUID,
        status: ModelStatus,
        *,
        at: datetime,
        reason: str,
        event: str,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Reject, quarantine or mark purged, with its event; a transition that is not allowed raises."""
        if status is ModelStatus.ACTIVE:
            raise ConflictError("a version becomes active by promotion only, which retires the champion")
        with self._database.transaction() as cur:
            standing = self._hold(cur, model_id)
            check_transition(ModelStatus(standing["status"]), status)
            if status is ModelStatus.PURGED and standing["pinned"]:
                raise ConflictError(
                    f"version {standing['version']} of series {standing['series_id']} is pinned, so it stays; "
                    "unpin it first"
                )
            change = {"model_id": model_id, "status": status.value, "at": at, "reason": reason}
            try:
                cur.execute(self._queries["set_status"], change)
            except RestrictViolation as exc:
                raise ConflictError(str(exc.diag.message_primary)) from exc
            self._tell(cur, standing, model_id, at=at, event=event, reason=reason, evidence=evidence)

    def pin(self, model_id: UUID, *, pinned: bool, at: datetime, reason: str | None = None) -> None:
        """Keep a version from purging and replacing, or no longer; an event says so where that is a change."""
        with self._database.transaction() as cur:
            standing = self._hold(cur, model_id)
            if pinned and standing["artifact_purged_at"] is not None:
                raise ConflictError(
                    f"version {standing['version']} of series {standing['series_id']} is purged; "
                    "there is nothing to keep"
                )
            cur.execute(self._queries["pin"], {"model_id": model_id, "pinned": pinned, "at": at})
            if cur.rowcount:
                told = "pinned" if pinned else "unpinned"
                by_person = {**standing, "cause": TrainingCause.PERSON}
                self._tell(cur, by_person, model_id, at=at, event=told, reason=reason, evidence=None)

    def record(self, events: Sequence[ModelEvent]) -> None:
        """Write events that change no version, such as a failed training."""
        if events:
            with self._database.transaction() as cur:
                self._write_events(cur, events)

    def _hold(self, cur: cursor, model_id: UUID) -> dict[str, Any]:
        """Lock the model's series, then see the model as nobody else can change it."""
        cur.execute(self._queries["lock_series_of_model"], {"model_id": model_id})
        cur.execute(self._queries["standing"], {"model_id": model_id})
        rows = _read_rows(cur)
        if not rows or rows[0]["series_id"] is None:
            raise ConflictError(f"model {model_id} is not in the registry, or belongs to no series")
        return rows[0]

    def _champion(self, cur: cursor, series_id: int) -> dict[str, Any] | None:
        cur.execute(self._queries["champion"], {"series_id": series_id})
        return next(iter(_read_rows(cur)), None)

    def _tell(
        self,
        cur: cursor,
        standing: Mapping[str, Any],
        model_id: UUID,
        *,
        at: datetime,
        event: str,
        reason: str | None,
        evidence: Mapping[str, Any] | None,
    ) -> None:
        told = ModelEvent(
            series_id=standing["series_id"],
            event=event,
            happened_at=at,
            model_id=model_id,
            cause=standing["cause"],
            reason=reason,
            evidence=evidence or {},
        )
        self._write_events(cur, [told])

    def _write_events(self, cur: cursor, events: Sequence[ModelEvent]) -> None:
        rows = [
            (
                event.happened_at,
                event.series_id,
                event.model_id,
                event.event,
                event.cause,
                event.reason,
                to_json(event.evidence),
            )
            for event in events
        ]
        execute_values(cur, self._queries["insert_events"], rows)


def _require_artifact(standing: Mapping[str, Any]) -> None:
    if standing["artifact_sha256"] is None or standing["artifact_purged_at"] is not None:
        raise ConflictError(
            f"version {standing['version']} of series {standing['series_id']} has no artifact to score with "
            "(adopted or purged); train a new one"
        )


def _read_rows(cur: cursor) -> list[dict[str, Any]]:
    names = [column.name for column in cur.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cur.fetchall()]


def _read_versions(cur: cursor) -> list[ModelVersion]:
    return [
        ModelVersion(**{name: row[name] for name in _COLUMNS if name != "status"}, status=ModelStatus(row["status"]))
        for row in _read_rows(cur)
    ]
