"""What is stored about a decision, read from PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.domain.explaining.evidence import (
    AnomalyTrail,
    IncidentTrail,
    ModelTrail,
    PastAlert,
    PastCheck,
    PastDeviceEpisode,
    PastEpisode,
    PastEvent,
    PastFinding,
    PastMessage,
    PastVerdict,
)
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.sql import load_queries


class PostgresEvidenceLog:
    """Each trail is read in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries("evidence_log")

    def read_model(self, model_id: UUID) -> ModelTrail | None:
        """The trail of a model version; None where there is none of that id."""
        with self._database.transaction() as cur:
            found = self._fetch(cur, "find_model", model_id=model_id)
            if not found:
                return None
            values = {"model_id": model_id, "series_id": found[0][0]}
            return ModelTrail(
                series_id=found[0][0],
                events=[_event(row) for row in self._fetch(cur, "list_model_events", **values)],
                checks=[_check(row) for row in self._fetch(cur, "list_model_checks", **values)],
                findings=[_finding(row) for row in self._fetch(cur, "list_model_findings", **values)],
            )

    def read_anomaly(self, detection_id: UUID) -> AnomalyTrail | None:
        """The trail of a reading of the anomaly log; None where there is none of that id."""
        with self._database.transaction() as cur:
            found = self._fetch(cur, "find_anomaly", detection_id=detection_id)
            if not found:
                return None
            model_id, confidence, frozen_score, reason, detected_at, *episode = found[0]
            return AnomalyTrail(
                model_id=model_id,
                confidence=confidence,
                frozen_score=frozen_score,
                reason=reason,
                detected_at=detected_at,
                episode=_episode(episode[:6]),
                device=_device(episode[6:]),
                alerts=[
                    PastAlert(happened_at=at, kind=kind, skipped_reason=why, told_at=told_at)
                    for at, kind, why, told_at in self._fetch(cur, "list_alerts", episode_id=episode[0])
                ],
                verdicts=[
                    PastVerdict(given_at=at, verdict=verdict, given_by=given_by, note=note)
                    for at, verdict, given_by, note in self._fetch(cur, "list_verdicts", detection_id=detection_id)
                ],
            )

    def read_incident(self, incident_id: int, *, limit: int) -> IncidentTrail | None:
        """The trail of an incident with at most `limit` findings; None where there is none of that number."""
        with self._database.transaction() as cur:
            counted = self._fetch(cur, "count_findings", incident_id=incident_id)
            if not counted:
                return None
            findings = self._fetch(cur, "list_incident_findings", incident_id=incident_id, limit=limit)
            values = {"incident_id": incident_id, "series_ids": [row[-1] for row in findings if row[-1] is not None]}
            return IncidentTrail(
                finding_count=counted[0][0],
                findings=[_finding(row[:-1]) for row in findings],
                checks=[_check(row) for row in self._fetch(cur, "list_incident_checks", **values)],
                events=[_event(row) for row in self._fetch(cur, "list_incident_events", **values)],
                messages=[
                    PastMessage(created_at=at, action=action, status=status, finished_at=finished_at, error=error)
                    for at, action, status, finished_at, error in self._fetch(cur, "list_messages", **values)
                ],
            )

    def _fetch(self, cur: cursor, query: str, **values: Any) -> list[tuple[Any, ...]]:
        cur.execute(self._queries[query], values)
        return cur.fetchall()


def _event(row: tuple[Any, ...]) -> PastEvent:
    happened_at, event, cause, reason, evidence, series = row
    return PastEvent(
        happened_at=happened_at, event=event, cause=cause, reason=reason, gate=_gate(evidence), series=series
    )


def _gate(evidence: Mapping[str, Any]) -> tuple[GateCheck, ...]:
    """The gate's table, where an event has one."""
    table = evidence.get("gate")
    return tuple(
        GateCheck(
            name=asked["check"],
            passed=asked["passed"],
            reason=asked["reason"],
            value=asked.get("value"),
            threshold=asked.get("threshold"),
        )
        for asked in (table if isinstance(table, list) else ())
    )


def _check(row: tuple[Any, ...]) -> PastCheck:
    checked_at, check, verdict, reason, value, threshold, series = row
    return PastCheck(
        checked_at=checked_at,
        check=check,
        verdict=verdict,
        reason=reason,
        value=value,
        threshold=threshold,
        series=series,
    )


def _finding(row: tuple[Any, ...]) -> PastFinding:
    check, severity, message, value, threshold, opened_at, resolved_at, resolved_reason, series = row
    return PastFinding(
        check=check,
        severity=severity,
        message=message,
        value=value,
        threshold=threshold,
        opened_at=opened_at,
        resolved_at=resolved_at,
        resolved_reason=resolved_reason,
        series=series,
    )


def _episode(columns: list[Any]) -> PastEpisode | None:
    episode_id, opened_at, last_alarm_at, closed_at, alarms, peak_value = columns
    if episode_id is None:
        return None
    return PastEpisode(
        episode_id=episode_id,
        opened_at=opened_at,
        last_alarm_at=last_alarm_at,
        closed_at=closed_at,
        alarms=alarms,
        peak_value=peak_value,
    )


def _device(columns: list[Any]) -> PastDeviceEpisode | None:
    number, metrics, judgement, words, evidence = columns
    if number is None:
        return None
    return PastDeviceEpisode(
        device_episode_id=number, metrics=metrics, judgement=judgement, words=words, evidence=evidence
    )
