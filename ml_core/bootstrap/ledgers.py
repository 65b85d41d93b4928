"""Readings and ledgers in PostgreSQL, one port each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ml_core.bootstrap.connections import Connections

if TYPE_CHECKING:
    from ml_core.ports.activity_log import ActivityLog
    from ml_core.ports.alert_log import AlertLog
    from ml_core.ports.anomaly_log import AnomalyLog
    from ml_core.ports.audit_log import AuditLog
    from ml_core.ports.check_log import CheckLog
    from ml_core.ports.device_log import DeviceLog
    from ml_core.ports.evidence_log import EvidenceLog
    from ml_core.ports.finding_ledger import FindingLedger
    from ml_core.ports.fleet_overview import FleetReader
    from ml_core.ports.gold_windows import GoldWindows
    from ml_core.ports.history import History
    from ml_core.ports.incident_ledger import IncidentLedger
    from ml_core.ports.model_registry import ModelRegistry
    from ml_core.ports.outbox import Outbox
    from ml_core.ports.quiet_calendar import QuietCalendar
    from ml_core.ports.reading_store import ReadingStore
    from ml_core.ports.retention_log import RetentionLog
    from ml_core.ports.run_ledger import RunLedger, TaskLock
    from ml_core.ports.scoring_log import ScoringLog
    from ml_core.ports.series_registry import SeriesRegistry
    from ml_core.ports.telemetry import TelemetrySource
    from ml_core.ports.verdict_log import VerdictLog


class Ledgers(Connections):
    """What is kept in the store of truth."""

    @cached_property
    def telemetry(self) -> TelemetrySource:
        """Readings."""
        from ml_core.adapters.readings.telemetry import PostgresTelemetry

        return PostgresTelemetry(self.database, self.telemetry_mapping)

    @cached_property
    def readings(self) -> ReadingStore:
        """Where imported readings go."""
        from ml_core.adapters.readings.reading_store import PostgresReadingStore

        return PostgresReadingStore(self.database)

    @cached_property
    def series(self) -> SeriesRegistry:
        """Series, their state and health."""
        from ml_core.adapters.ledgers.series_registry import PostgresSeriesRegistry

        return PostgresSeriesRegistry(self.database)

    @cached_property
    def models(self) -> ModelRegistry:
        """Model versions."""
        from ml_core.adapters.ledgers.model_registry import PostgresModelRegistry

        return PostgresModelRegistry(self.database)

    @cached_property
    def gold(self) -> GoldWindows:
        """Clean readings kept across versions."""
        from ml_core.adapters.ledgers.gold_windows import PostgresGoldWindows

        return PostgresGoldWindows(self.database)

    @cached_property
    def runs(self) -> RunLedger:
        """Runs by task and slot."""
        from ml_core.adapters.ledgers.run_ledger import PostgresRunLedger

        return PostgresRunLedger(self.database)

    def task_lock(self, task: str) -> TaskLock:
        """The lock of one task, on a connection of its own."""
        from ml_core.adapters.postgres.task_lock import PostgresTaskLock

        return PostgresTaskLock(self.database, task)

    @cached_property
    def scoring(self) -> ScoringLog:
        """Scoring states, detections, episodes and rollups."""
        from ml_core.adapters.ledgers.scoring_log import PostgresScoringLog

        return PostgresScoringLog(self.database)

    @cached_property
    def activity(self) -> ActivityLog:
        """What scoring has done lately."""
        from ml_core.adapters.ledgers.activity_log import PostgresActivityLog

        return PostgresActivityLog(self.database)

    @cached_property
    def checks(self) -> CheckLog:
        """Check results."""
        from ml_core.adapters.ledgers.check_log import PostgresCheckLog

        return PostgresCheckLog(self.database)

    @cached_property
    def findings(self) -> FindingLedger:
        """What is wrong."""
        from ml_core.adapters.ledgers.finding_ledger import PostgresFindingLedger

        return PostgresFindingLedger(self.database)

    @cached_property
    def verdicts(self) -> VerdictLog:
        """What people said of alarms."""
        from ml_core.adapters.ledgers.verdict_log import PostgresVerdictLog

        return PostgresVerdictLog(self.database)

    @cached_property
    def anomalies(self) -> AnomalyLog:
        """What was flagged, with what people said of it."""
        from ml_core.adapters.ledgers.anomaly_log import PostgresAnomalyLog

        return PostgresAnomalyLog(self.database)

    @cached_property
    def audits(self) -> AuditLog:
        """Hours drawn at random of what was not flagged."""
        from ml_core.adapters.ledgers.audit_log import PostgresAuditLog

        return PostgresAuditLog(self.database)

    @cached_property
    def calendar(self) -> QuietCalendar:
        """Maintenance and snoozes."""
        from ml_core.adapters.ledgers.quiet_calendar import PostgresQuietCalendar

        return PostgresQuietCalendar(self.database)

    @cached_property
    def devices(self) -> DeviceLog:
        """Episodes of devices."""
        from ml_core.adapters.ledgers.device_log import PostgresDeviceLog

        return PostgresDeviceLog(self.database)

    @cached_property
    def alerts(self) -> AlertLog:
        """Alerts on their way to people."""
        from ml_core.adapters.ledgers.alert_log import PostgresAlertLog

        return PostgresAlertLog(self.database)

    @cached_property
    def evidence(self) -> EvidenceLog:
        """What is stored about decisions."""
        from ml_core.adapters.ledgers.evidence_log import PostgresEvidenceLog

        return PostgresEvidenceLog(self.database)

    @cached_property
    def incidents(self) -> IncidentLedger:
        """Incidents."""
        from ml_core.adapters.ledgers.incident_ledger import PostgresIncidentLedger

        return PostgresIncidentLedger(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """What is to be said to the issue tracker."""
        from ml_core.adapters.ledgers.outbox import PostgresOutbox

        return PostgresOutbox(self.database)

    @cached_property
    def fleet(self) -> FleetReader:
        """How the fleet is."""
        from ml_core.adapters.ledgers.fleet_overview import PostgresFleetReader

        return PostgresFleetReader(self.database)

    @cached_property
    def history(self) -> History:
        """What happened."""
        from ml_core.adapters.ledgers.history import PostgresHistory

        return PostgresHistory(self.database)

    @cached_property
    def retention(self) -> RetentionLog:
        """Expired rows and partitions."""
        from ml_core.adapters.ledgers.retention_log import PostgresRetentionLog

        return PostgresRetentionLog(self.database)
