"""What everything else stands on: the database with its schema, where readings lie, where artifacts lie."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ml_core.settings import Settings

if TYPE_CHECKING:
    from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
    from ml_core.adapters.postgres.database import Database
    from ml_core.adapters.postgres.migrator import Migrator
    from ml_core.adapters.readings.telemetry_mapping import TelemetryMapping
    from ml_core.adapters.readings.telemetry_view import TelemetryView
    from ml_core.ports.artifact_store import ArtifactStore


class Connections:
    """The store of truth and the artifact store, made when first asked for from one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def close(self) -> None:
        """Give the connections to the database back; harmless where none was made."""
        if "store" in self.__dict__:
            self.store.close()

    @cached_property
    def embedded_postgres(self) -> EmbeddedPostgres:
        """The database server of a site that has none."""
        from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres

        return EmbeddedPostgres(self.settings.home)

    @cached_property
    def store(self) -> Database:
        """The platform's PostgreSQL, else the embedded one, started if need be; its schema is not looked at."""
        from ml_core.adapters.postgres.database import Database

        options = self.settings.database
        return Database(
            options.url or self.embedded_postgres.start(),
            connect_timeout_s=options.connect_timeout_s,
            statement_timeout_s=options.statement_timeout_s,
        )

    @cached_property
    def migrator(self) -> Migrator:
        """What brings the store's schema to that of this code."""
        from ml_core.adapters.postgres.migrator import Migrator

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
    def telemetry_mapping(self) -> TelemetryMapping:
        """Where readings lie."""
        from ml_core.adapters.readings.telemetry_mapping import TelemetryMapping

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
        from ml_core.adapters.readings.telemetry_view import TelemetryView

        return TelemetryView(self.telemetry_mapping)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Artifacts by their hash."""
        from ml_core.adapters.artifacts.artifact_store import FsspecArtifactStore

        return FsspecArtifactStore(self.settings.artifacts.url or str(self.settings.home / "artifacts"))
