"""The one place where adapters are chosen and handed to whoever needs them."""

# Adapters are imported where they are made: a command that needs no Grafana or GitHub starts without them.

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.services.provisioning import GrafanaSite
from ml_core.services.runs import RunRecorder
from ml_core.settings import Settings

if TYPE_CHECKING:
    from ml_core.adapters.embedded_postgres import EmbeddedPostgres
    from ml_core.adapters.github_issues import GitHubIssues
    from ml_core.adapters.migrator import Migrator
    from ml_core.adapters.postgres import Database
    from ml_core.adapters.telemetry_mapping import TelemetryMapping
    from ml_core.adapters.telemetry_view import TelemetryView
    from ml_core.ports.activity_log import ActivityLog
    from ml_core.ports.alert_log import AlertChannel, AlertLog
    from ml_core.ports.anomaly_log import AnomalyLog
    from ml_core.ports.artifact_store import ArtifactStore
    from ml_core.ports.audit_log import AuditLog
    from ml_core.ports.check_log import CheckLog
    from ml_core.ports.detection_archive import DetectionArchive
    from ml_core.ports.device_log import DeviceLog
    from ml_core.ports.device_sites import DeviceSites
    from ml_core.ports.evidence_log import EvidenceLog
    from ml_core.ports.finding_ledger import FindingLedger
    from ml_core.ports.fleet_overview import FleetReader
    from ml_core.ports.gold_windows import GoldWindows
    from ml_core.ports.grafana_files import Alerting, Datasource, GrafanaFiles
    from ml_core.ports.grafana_server import GrafanaServer, Resource
    from ml_core.ports.history import History
    from ml_core.ports.incident_ledger import IncidentLedger
    from ml_core.ports.issue_tracker import IssueTracker
    from ml_core.ports.model_registry import ModelRegistry
    from ml_core.ports.outbox import Outbox
    from ml_core.ports.quiet_calendar import QuietCalendar
    from ml_core.ports.reader_access import PasswordStore, ReaderAccess
    from ml_core.ports.reading_store import ReadingStore
    from ml_core.ports.retention_log import RetentionLog
    from ml_core.ports.run_ledger import RunLedger, TaskLock
    from ml_core.ports.scoring_log import ScoringLog
    from ml_core.ports.series_registry import SeriesRegistry
    from ml_core.ports.telemetry import TelemetrySource
    from ml_core.ports.verdict_log import VerdictLog
    from ml_core.ports.view_store import ViewStore
    from ml_core.services.artifact_cache import ArtifactCache
    from ml_core.services.explaining import Explainer
    from ml_core.services.promotion import Promotion
    from ml_core.services.reviews import Reviews
    from ml_core.services.setbacks import Setbacks
    from ml_core.services.training import Trainer


class Platform:
    """Everything outside of the rules, made when first asked for from one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def close(self) -> None:
        """Give the connections to the database and to GitHub back; harmless where none was made."""
        if "store" in self.__dict__:
            self.store.close()
        if "github" in self.__dict__:
            self.github.close()

    @cached_property
    def embedded_postgres(self) -> EmbeddedPostgres:
        """The database server of a site that has none."""
        from ml_core.adapters.embedded_postgres import EmbeddedPostgres

        return EmbeddedPostgres(self.settings.home)

    @cached_property
    def store(self) -> Database:
        """The platform's PostgreSQL, else the embedded one, started if need be; its schema is not looked at."""
        from ml_core.adapters.postgres import Database

        options = self.settings.database
        return Database(
            options.url or self.embedded_postgres.start(),
            connect_timeout_s=options.connect_timeout_s,
            statement_timeout_s=options.statement_timeout_s,
        )

    @cached_property
    def migrator(self) -> Migrator:
        """What brings the store's schema to that of this code."""
        from ml_core.adapters.migrator import Migrator

        return Migrator(self.store, telemetry=self.telemetry_view)

    @cached_property
    def database(self) -> Database:
        """The store of truth with a schema that fits this code.

        The embedded one is migrated by itself; a platform's only by its owner, with `ml-health db migrate`.
        """
        if self.settings.database.url or not self.migrator.pending():
            self.migrator.require_current()
        else:
            self.migrator.apply()
        return self.store

    @cached_property
    def telemetry(self) -> TelemetrySource:
        """Readings."""
        from ml_core.adapters.telemetry import PostgresTelemetry

        return PostgresTelemetry(self.database, self.telemetry_mapping)

    @cached_property
    def telemetry_mapping(self) -> TelemetryMapping:
        """Where readings lie."""
        from ml_core.adapters.telemetry_mapping import TelemetryMapping

        names = self.settings.telemetry
        return TelemetryMapping(
            relation=names.relation,
            device_column=names.device_column,
            metric_column=names.metric_column,
            value_column=names.value_column,
            timestamp_column=names.timestamp_column,
            tenant_column=names.tenant_column or None,
        )

    @property
    def telemetry_view(self) -> TelemetryView:
        """How dashboards read them."""
        from ml_core.adapters.telemetry_view import TelemetryView

        return TelemetryView(self.telemetry_mapping)

    @cached_property
    def readings(self) -> ReadingStore:
        """Where imported readings go."""
        from ml_core.adapters.reading_store import PostgresReadingStore

        return PostgresReadingStore(self.database)

    @cached_property
    def series(self) -> SeriesRegistry:
        """Series, their state and health."""
        from ml_core.adapters.series_registry import PostgresSeriesRegistry

        return PostgresSeriesRegistry(self.database)

    @cached_property
    def models(self) -> ModelRegistry:
        """Model versions."""
        from ml_core.adapters.model_registry import PostgresModelRegistry

        return PostgresModelRegistry(self.database)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Artifacts by their hash."""
        from ml_core.adapters.artifacts import FsspecArtifactStore

        return FsspecArtifactStore(self.settings.artifacts.url or str(self.settings.home / "artifacts"))

    @cached_property
    def artifact_cache(self) -> ArtifactCache:
        """The models that were used last, decoded."""
        from ml_core.services.artifact_cache import ArtifactCache

        return ArtifactCache(self.artifacts, max_bytes=self.settings.scoring.artifact_cache_mb * 1_000_000)

    def trainer(self, run: RunRecorder, *, now: datetime) -> Trainer:
        """What makes candidates of readings within a run."""
        from ml_core.services.fitting import Execution
        from ml_core.services.training import Trainer

        return Trainer(
            models=self.models,
            artifacts=self.artifacts,
            options=self.settings.detector,
            policy=self.settings.training,
            now=now,
            run=run,
            execution=Execution(backend=self.settings.execution.backend, jobs=self.settings.execution.jobs),
        )

    def promotion(self, *, now: datetime) -> Promotion:
        """What carries out decisions about candidates."""
        from ml_core.services.promotion import Promotion

        return Promotion(
            series=self.series,
            models=self.models,
            gold=self.gold,
            scoring=self.scoring,
            findings=self.findings,
            unit=self.database,
            gate=self.settings.gate,
            now=now,
        )

    def setbacks(self, *, now: datetime) -> Setbacks:
        """What tells of attempts without a new model."""
        from ml_core.services.setbacks import Setbacks

        return Setbacks(
            series=self.series,
            models=self.models,
            findings=self.findings,
            training=self.settings.training,
            now=now,
        )

    @cached_property
    def gold(self) -> GoldWindows:
        """Clean readings kept across versions."""
        from ml_core.adapters.gold_windows import PostgresGoldWindows

        return PostgresGoldWindows(self.database)

    @cached_property
    def runs(self) -> RunLedger:
        """Runs by task and slot."""
        from ml_core.adapters.run_ledger import PostgresRunLedger

        return PostgresRunLedger(self.database)

    def task_lock(self, task: str) -> TaskLock:
        """The lock of one task, on a connection of its own."""
        from ml_core.adapters.task_lock import PostgresTaskLock

        return PostgresTaskLock(self.database, task)

    @cached_property
    def scoring(self) -> ScoringLog:
        """Scoring states, detections, episodes and rollups."""
        from ml_core.adapters.scoring_log import PostgresScoringLog

        return PostgresScoringLog(self.database)

    @cached_property
    def activity(self) -> ActivityLog:
        """What scoring has done lately."""
        from ml_core.adapters.activity_log import PostgresActivityLog

        return PostgresActivityLog(self.database)

    @cached_property
    def checks(self) -> CheckLog:
        """Check results."""
        from ml_core.adapters.check_log import PostgresCheckLog

        return PostgresCheckLog(self.database)

    @cached_property
    def findings(self) -> FindingLedger:
        """What is wrong."""
        from ml_core.adapters.finding_ledger import PostgresFindingLedger

        return PostgresFindingLedger(self.database)

    @cached_property
    def verdicts(self) -> VerdictLog:
        """What people said of alarms."""
        from ml_core.adapters.verdict_log import PostgresVerdictLog

        return PostgresVerdictLog(self.database)

    @cached_property
    def anomalies(self) -> AnomalyLog:
        """What was flagged, with what people said of it."""
        from ml_core.adapters.anomaly_log import PostgresAnomalyLog

        return PostgresAnomalyLog(self.database)

    @cached_property
    def audits(self) -> AuditLog:
        """Hours drawn at random of what was not flagged."""
        from ml_core.adapters.audit_log import PostgresAuditLog

        return PostgresAuditLog(self.database)

    @cached_property
    def calendar(self) -> QuietCalendar:
        """Maintenance and snoozes."""
        from ml_core.adapters.quiet_calendar import PostgresQuietCalendar

        return PostgresQuietCalendar(self.database)

    @cached_property
    def devices(self) -> DeviceLog:
        """Episodes of devices."""
        from ml_core.adapters.device_log import PostgresDeviceLog

        return PostgresDeviceLog(self.database)

    @cached_property
    def alerts(self) -> AlertLog:
        """Alerts on their way to people."""
        from ml_core.adapters.alert_log import PostgresAlertLog

        return PostgresAlertLog(self.database)

    @cached_property
    def alert_channels(self) -> tuple[AlertChannel, ...]:
        """Where alerts are told."""
        from ml_core.adapters.alert_file import AlertFile

        named = self.settings.alerts.log_path
        return (AlertFile(Path(named).expanduser() if named else self.settings.home / "alerts.jsonl"),)

    def reviews(self, *, now: datetime) -> Reviews:
        """What takes people's verdicts in."""
        from ml_core.services.reviews import Reviews

        return Reviews(
            anomalies=self.anomalies, audits=self.audits, verdicts=self.verdicts, series=self.series, now=now
        )

    @cached_property
    def evidence(self) -> EvidenceLog:
        """What is stored about decisions."""
        from ml_core.adapters.evidence_log import PostgresEvidenceLog

        return PostgresEvidenceLog(self.database)

    @cached_property
    def explainer(self) -> Explainer:
        """What tells how a decision came to be."""
        from ml_core.services.explaining import Explainer

        return Explainer(
            series=self.series,
            models=self.models,
            anomalies=self.anomalies,
            incidents=self.incidents,
            evidence=self.evidence,
        )

    @cached_property
    def incidents(self) -> IncidentLedger:
        """Incidents."""
        from ml_core.adapters.incident_ledger import PostgresIncidentLedger

        return PostgresIncidentLedger(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """What is to be said to the issue tracker."""
        from ml_core.adapters.outbox import PostgresOutbox

        return PostgresOutbox(self.database)

    def issue_tracker(self, *, now: datetime) -> IssueTracker:
        """GitHub where repository and token or app are set, else a folder of issues rendered as of `now`."""
        github, label = self.settings.github, self.settings.escalation.label
        if github.is_set:
            return self.github
        from ml_core.adapters.issue_folder import IssueFolder

        return IssueFolder(github.folder or self.settings.home / "issues", label=label, now=lambda: now)

    @cached_property
    def github(self) -> GitHubIssues:
        """Issues on GitHub, filed with a token or as an app."""
        from ml_core.adapters.github_account import GitHubApp
        from ml_core.adapters.github_issues import GitHubIssues

        github = self.settings.github
        return GitHubIssues(
            github.repository,
            github.token
            or GitHubApp(
                app_id=github.app_id,
                installation_id=github.installation_id,
                private_key=github.read_app_key(),
            ),
            base_url=github.base_url,
            label=self.settings.escalation.label,
        )

    @cached_property
    def fleet(self) -> FleetReader:
        """How the fleet is."""
        from ml_core.adapters.fleet_overview import PostgresFleetReader

        return PostgresFleetReader(self.database)

    @cached_property
    def history(self) -> History:
        """What happened."""
        from ml_core.adapters.history import PostgresHistory

        return PostgresHistory(self.database)

    @cached_property
    def retention(self) -> RetentionLog:
        """Expired rows and partitions."""
        from ml_core.adapters.retention_log import PostgresRetentionLog

        return PostgresRetentionLog(self.database)

    @cached_property
    def archive(self) -> DetectionArchive | None:
        """Where expired detections are kept, if a site asks for it."""
        from ml_core.adapters.detection_archive import ParquetArchive

        url = self.settings.retention.archive_url
        return ParquetArchive(url) if url else None

    @cached_property
    def grafana_site(self) -> GrafanaSite:
        """How the site's Grafana is set up."""
        names = self.settings.grafana
        return GrafanaSite(
            datasource_uid=names.datasource_uid,
            reader_user=names.reader_user,
            database_address=names.database_address,
        )

    @cached_property
    def views(self) -> ViewStore:
        """The views that dashboards read."""
        from ml_core.adapters.view_store import PostgresViewStore

        return PostgresViewStore(self.database, self.migrator, self.telemetry_view)

    @cached_property
    def device_sites(self) -> DeviceSites:
        """Which site each device belongs to."""
        from ml_core.adapters.device_sites import PostgresDeviceSites, SiteMapping

        names = self.settings.grafana
        mapping = SiteMapping(
            default_site=names.site,
            relation=names.sites_relation,
            device_column=names.sites_device_column,
            site_column=names.sites_site_column,
        )
        return PostgresDeviceSites(self.database, mapping)

    @cached_property
    def grafana_reader(self) -> ReaderAccess:
        """Logins of the database server."""
        from ml_core.adapters.grafana_reader import PostgresReaderAccess

        return PostgresReaderAccess(self.database)

    @cached_property
    def grafana_password(self) -> PasswordStore:
        """The password of Grafana's login."""
        from ml_core.adapters.password_file import PasswordFile

        return PasswordFile(self.settings.home / "grafana-reader.password")

    def grafana_files(self, folder: Path | None = None) -> GrafanaFiles:
        """Grafana's provisioning files in the site's folder, or in another one."""
        from ml_core.adapters.grafana_provisioning import ProvisioningFolder

        names = self.settings.grafana
        chosen = folder or Path(names.provisioning_dir or self.settings.home / "grafana").expanduser()
        return ProvisioningFolder(
            chosen.absolute(), dashboards_path=names.dashboards_dir, alerting=self.grafana_alerting
        )

    @cached_property
    def grafana_alerting(self) -> Alerting:
        """Whom Grafana tells of alerts."""
        from ml_core.ports.grafana_files import Alerting

        names = self.settings.grafana
        return Alerting(contact=names.alert_contact, own_policies=names.own_policies)

    def grafana_resources(self, datasource: Datasource, *, contact_address: str | None) -> list[Resource]:
        """Everything that a Grafana ought to hold."""
        from ml_core.adapters.grafana_resources import list_resources

        return list(list_resources(datasource, self.grafana_alerting, contact_address=contact_address))

    def grafana_server(self, url: str, token: str) -> GrafanaServer:
        """A Grafana that runs."""
        from ml_core.adapters.grafana_server import HttpGrafanaServer

        return HttpGrafanaServer(url, token)


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a task is handed: the platform, the time, its slot, and its own run."""

    platform: Platform
    now: datetime
    slot: datetime
    run: RunRecorder
    dry_run: bool = False

    @property
    def settings(self) -> Settings:
        """The platform's settings."""
        return self.platform.settings
