"""The views of schema grafana, held against the package's definitions."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from psycopg2.errors import UndefinedColumn, UndefinedTable
from psycopg2.extensions import cursor

from ml_core.adapters.migrator import Migrator
from ml_core.adapters.postgres import Database
from ml_core.sql import list_sql, load_queries, read_sql


class PostgresViewStore:
    """Views of one database."""

    def __init__(self, database: Database, migrator: Migrator) -> None:
        self._database = database
        self._migrator = migrator
        self._queries = load_queries("view_store")

    def list_outdated(self) -> list[str]:
        """Names of views that are missing or defined otherwise than this package defines them.

        The server keeps a definition in its own words, so each packaged one is tried as a temporary view and
        those words are compared. Nothing of the trial stays, and no view of ours is locked for its readers.
        """
        with self._database.transaction() as cur:
            return [
                name for name, definition in packaged_views().items() if not self._is_current(cur, name, definition)
            ]

    def may_refresh(self) -> bool:
        """Whether the current login owns the views."""
        with self._database.transaction() as cur:
            cur.execute(self._queries["owns_views"])
            return cur.fetchone() == (True,)

    def refresh(self) -> None:
        """Make all views anew, with the rights of their readers; SchemaVersionError where migrations are pending."""
        self._migrator.require_current()
        self._migrator.apply()

    def _is_current(self, cur: cursor, name: str, definition: str) -> bool:
        cur.execute(self._queries["begin_trial"])
        try:
            cur.execute(definition.replace("CREATE VIEW grafana.", "CREATE TEMPORARY VIEW ", 1))
            cur.execute(self._queries["is_current"], {"name": name})
            return cur.fetchone() == (True,)
        except (UndefinedTable, UndefinedColumn):
            # It reads another view that is missing or old.
            return False
        finally:
            cur.execute(self._queries["end_trial"])


def packaged_views() -> dict[str, str]:
    """The definitions of this package's views by their names, in the order in which they are made."""
    return {re.sub(r"^\d+_", "", PurePosixPath(path).stem): read_sql(path) for path in list_sql("views")}
