"""Carries a database, new or old, to the schema that this code is written for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg2
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.schema_resources import Migration, SchemaResources, load_packaged_resources
from ml_core.adapters.postgres.session import Session
from ml_core.adapters.readings.telemetry_view import TelemetryView
from ml_core.errors import ConfigurationError, SchemaVersionError
from ml_core.sql import load_queries

logger = logging.getLogger(__name__)


class Migrator:
    """Applies migrations in order, each whole or not at all, one process at a time; then views and roles."""

    def __init__(
        self,
        database: Database,
        resources: SchemaResources | None = None,
        *,
        telemetry: TelemetryView | None = None,
        lock_timeout_s: float = 5.0,
        turn_timeout_s: float = 60.0,
        statement_timeout_s: float = 3600.0,
    ) -> None:
        self._database = database
        self._resources = resources or load_packaged_resources()
        self._telemetry = telemetry
        self._lock_timeout_s = lock_timeout_s
        self._turn_timeout_s = turn_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._queries = load_queries("migrator")

    def current_version(self) -> int:
        """The database's schema version; 0 where nothing of ours is there."""
        with self._database.transaction() as cur:
            if not self._is_true(cur, "version_table_exists"):
                return 0
            cur.execute(self._queries["current_version"])
            (version,) = cur.fetchone() or (0,)
        return int(version)

    def pending(self) -> list[Migration]:
        """The migrations still to apply; SchemaVersionError where the database is newer than this code."""
        current, known = self.current_version(), self._resources.version
        if current > known:
            raise SchemaVersionError(
                f"the database {self._database.address} has schema version {current}, this code knows "
                f"{known}: install the newer version of this package, or restore the backup made before "
                "the upgrade"
            )
        return [migration for migration in self._resources.migrations if migration.version > current]

    def require_current(self) -> None:
        """Refuse a database whose schema is newer or older than this code, naming both versions."""
        if pending := self.pending():
            raise SchemaVersionError(
                f"the database {self._database.address} has schema version {pending[0].version - 1}, this "
                f"code needs {self._resources.version}: run `ml-health db migrate`"
            )

    def apply(self) -> list[Migration]:
        """Apply what is pending, make views and roles anew, and return the migrations applied.

        A second process waits for its turn and then finds nothing to do. Killed at any moment, each
        migration is there whole or not at all, and the next call goes on from there.
        """
        with self._database.dedicated_connection() as session:
            self._await_turn(session)
            self._ensure_version_table()
            applied = self.pending()
            for migration in applied:
                self._apply_one(migration)
            self._refresh_views_and_roles()
        return applied

    def _await_turn(self, session: Session) -> None:
        with session.cursor() as cur:
            self._set_lock_timeout(cur, self._turn_timeout_s, for_this_transaction=False)
            cur.execute(self._queries["lock_migrator"])

    def _ensure_version_table(self) -> None:
        with self._transaction() as cur:
            if self._is_true(cur, "version_table_exists"):
                return
            try:
                cur.execute(self._queries["create_version_table"])
            except InsufficientPrivilege as exc:
                raise SchemaVersionError(
                    f"the database {self._database.address} has no schema ml_health, and this login may not create "
                    f"it ({_tell(exc)}): run `ml-health db migrate` as the owner of the database, or GRANT CREATE on it"
                ) from exc

    def _apply_one(self, migration: Migration) -> None:
        row = {"version": migration.version, "name": migration.name, "applied_at": datetime.now(UTC)}
        try:
            with self._transaction() as cur:
                cur.execute(self._queries["record_migration"], row)
                cur.execute(migration.sql)
        except psycopg2.Error as exc:
            raise SchemaVersionError(
                f"the database {self._database.address} stays at schema version {migration.version - 1}, "
                f"this code needs {self._resources.version}: migration {migration} failed and nothing "
                f"of it was kept ({_tell(exc)})"
            ) from exc

    @contextmanager
    def _transaction(self) -> Iterator[cursor]:
        with self._database.transaction(statement_timeout_s=self._statement_timeout_s) as cur:
            self._set_lock_timeout(cur, self._lock_timeout_s, for_this_transaction=True)
            yield cur

    def _set_lock_timeout(self, cur: cursor, seconds: float, *, for_this_transaction: bool) -> None:
        limit = {"lock_timeout": f"{seconds * 1000:.0f}", "for_this_transaction": for_this_transaction}
        cur.execute(self._queries["set_lock_timeout"], limit)

    def _is_true(self, cur: cursor, query: str) -> bool:
        cur.execute(self._queries[query])
        return cur.fetchone() == (True,)

    def _refresh_views_and_roles(self) -> None:
        with self._transaction() as cur:
            self._refresh_views(cur)
            told_before = len(cur.connection.notices)
            cur.execute(self._resources.roles or "SELECT 1")
            for notice in cur.connection.notices[told_before:]:
                logger.warning("%s: %s", self._database.address, " ".join(notice.split()))

    def _refresh_views(self, cur: cursor) -> None:
        if not self._is_true(cur, "grafana_schema_exists"):
            cur.execute(self._queries["create_grafana_schema"])
        cur.execute(self._queries["grafana_views"])
        if views := [sql.Identifier("grafana", name) for (name,) in cur.fetchall()]:
            # All in one statement, so that views which read each other need no order.
            cur.execute(sql.SQL("DROP VIEW {}").format(sql.SQL(", ").join(views)))
        for view in self._resources.views:
            cur.execute(view)
        if self._telemetry is not None and not self._telemetry.is_packaged:
            self._map_telemetry(cur, self._telemetry)

    def _map_telemetry(self, cur: cursor, view: TelemetryView) -> None:
        try:
            cur.execute(view.define(cur))
        except ConfigurationError as exc:
            # The packaged view stays in its place: dashboards go on, without this site's readings.
            logger.warning("%s: %s", self._database.address, exc)


def _tell(exc: psycopg2.Error) -> str:
    """What the server said and advised, in one line and without the place in our SQL."""
    words = (exc.diag.message_primary or str(exc), exc.diag.message_detail, exc.diag.message_hint)
    return " ".join(" ".join(filter(None, words)).split())
