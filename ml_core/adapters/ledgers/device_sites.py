"""Sites of devices, from a relation of the platform or from a setting."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import errors, sql

from ml_core.adapters.postgres.database import Database
from ml_core.adapters.readings.telemetry_mapping import relation_name
from ml_core.errors import ConfigurationError
from ml_core.sql import load_queries


@dataclass(frozen=True, kw_only=True)
class SiteMapping:
    """The relation that tells sites, and its columns; without a relation every device is of the default site."""

    default_site: str
    relation: str = ""
    device_column: str = "device_id"
    site_column: str = "site"


class PostgresDeviceSites:
    """Column site of ml_health.series."""

    def __init__(self, database: Database, mapping: SiteMapping) -> None:
        self._database = database
        self._mapping = mapping
        self._queries = load_queries("device_sites")

    def assign(self, *, dry_run: bool) -> int:
        """Give every series its device's site; how many changed, or in a dry run would."""
        try:
            with self._database.transaction() as cur:
                cur.execute(self._statement(), {"default_site": self._mapping.default_site})
                changed = cur.rowcount
                if dry_run:
                    cur.connection.rollback()
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege) as exc:
            raise ConfigurationError(
                f"grafana.sites_relation {self._mapping.relation!r} cannot be read ({exc.diag.message_primary}): check "
                "its name, grafana.sites_device_column, grafana.sites_site_column and this login's rights"
            ) from exc
        return changed

    def _statement(self) -> sql.Composable:
        names = self._mapping
        if not names.relation:
            return sql.SQL(self._queries["assign_default"])
        return sql.SQL(self._queries["assign"]).format(
            relation=relation_name(names.relation, "grafana.sites_relation"),
            device=sql.Identifier(names.device_column.replace("%", "%%")),
            site=sql.Identifier(names.site_column.replace("%", "%%")),
        )
