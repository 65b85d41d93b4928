"""The two platforms of a backtest: the site, which is only read, and a scratch one, which is thrown away."""

from __future__ import annotations

from functools import cached_property

from ml_core.adapters.embedded.embedded_postgres import EmbeddedPostgres
from ml_core.adapters.postgres.database import Database
from ml_core.bootstrap import Platform
from ml_core.ports.telemetry import TelemetrySource
from ml_core.settings import Settings


class ReadOnlySite(Platform):
    """The site as it is: its server refuses every change, and no migration is tried."""

    @cached_property
    def store(self) -> Database:
        """The site's PostgreSQL, in sessions that may only read."""
        options = self.settings.database
        return Database(
            options.url or self.embedded_postgres.start(),
            connect_timeout_s=options.connect_timeout_s,
            statement_timeout_s=options.statement_timeout_s,
            read_only=True,
        )

    @cached_property
    def database(self) -> Database:
        """The same, if its schema fits this code."""
        self.migrator.require_current()
        return self.store


class ScratchSite(Platform):
    """A site with a database of its own and the recorded readings of another one."""

    def __init__(self, settings: Settings, telemetry: TelemetrySource) -> None:
        super().__init__(settings)
        self._recorded = telemetry

    @cached_property
    def embedded_postgres(self) -> EmbeddedPostgres:
        """A server that need not outlive a power failure."""
        return EmbeddedPostgres(self.settings.home, durable=False)

    @cached_property
    def telemetry(self) -> TelemetrySource:
        """The recording."""
        return self._recorded

    def close(self) -> None:
        """End the sessions, and the server with them."""
        super().close()
        self.embedded_postgres.stop()
