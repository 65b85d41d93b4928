"""The views of schema grafana, held against the package's definitions."""

from __future__ import annotations

import re

from psycopg2.errors import UndefinedColumn, UndefinedTable
from psycopg2.extensions import cursor

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.postgres.migrator import Migrator
from ml_core.adapters.readings.telemetry_view import NAME as TELEMETRY
from ml_core.adapters.readings.telemetry_view import TelemetryView
from ml_core.errors import ConfigurationError
from ml_core.sql import load_queries, load_views

_CREATE = re.compile(r"CREATE (OR REPLACE )?VIEW grafana\.")


class PostgresViewStore:
    """Views of one database."""

    def __init__(self, database: Database, migrator: Migrator, telemetry: TelemetryView) -> None:
        self._database = database
        self._telemetry = telemetry
        self._migrator = migrator
        self._queries = load_queries("view_store")

    def list_outdated(self) -> list[str]:
        """Names of views that are missing or defined otherwise than this package defines them.

        The server keeps a definition in its own words, so each packaged one is tried as a temporary view and
        those words are compared. Nothing of the trial stays, and no view of ours is locked for its readers.
        """
        with self._database.transaction() as cur:
            wanted = load_views() | self._map_telemetry(cur)[0]
            return [name for name, definition in wanted.items() if not self._is_current(cur, name, definition)]

    def find_telemetry_problem(self) -> str | None:
        """Why the mapped relation of readings cannot be shown, naming the setting; None where it can."""
        with self._database.transaction() as cur:
            return self._map_telemetry(cur)[1]

    def may_refresh(self) -> bool:
        """Whether the current login owns the views."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["owns_views"])
            return cur.fetchone() == (True,)

    def refresh(self) -> None:
        """Make all views anew, with the rights of their readers; SchemaVersionError where migrations are pending."""
        self._migrator.require_current()
        self._migrator.apply()

    def _map_telemetry(self, cur: cursor) -> tuple[dict[str, str], str | None]:
        """The site's own definition of one view, if it has one that can be made, else what is in its way."""
        if self._telemetry.is_packaged:
            return {}, None
        try:
            return {TELEMETRY: self._telemetry.define(cur)}, None
        except ConfigurationError as exc:
            return {}, str(exc)

    def _is_current(self, cur: cursor, name: str, definition: str) -> bool:
        cur.execute(self._queries["begin_trial"])
        try:
            cur.execute(_CREATE.sub("CREATE TEMPORARY VIEW ", definition, count=1))
            cur.execute(self._queries["is_current"], {"name": name})
            return cur.fetchone() == (True,)
        except (UndefinedTable, UndefinedColumn):
            # It reads another view that is missing or old.
            return False
        finally:
            cur.execute(self._queries["end_trial"])
