"""The view grafana.telemetry over the relation of readings that a site maps."""

from __future__ import annotations

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor

from ml_core.adapters.readings.telemetry_mapping import OWN_RELATION, TelemetryMapping, express_columns
from ml_core.errors import ConfigurationError
from ml_core.sql import load_queries

NAME = "telemetry"
"""The view's name in schema grafana."""


class TelemetryView:
    """How the view is defined where a site's readings lie in a relation of its own."""

    def __init__(self, mapping: TelemetryMapping) -> None:
        self._mapping = mapping
        self._queries = load_queries("telemetry_view")

    @property
    def is_packaged(self) -> bool:
        """Whether the view that this package ships reads the mapped relation already."""
        return self._mapping.relation == OWN_RELATION

    def define(self, cur: cursor) -> str:
        """The statement that makes the view read the mapped relation, with the rights of the view's owner.

        Raises ConfigurationError naming the setting where relation or columns are missing, of an unusable type, or
        not for the owner to read; the transaction goes on.
        """
        cur.execute(self._queries["begin_look"])
        try:
            fragments = express_columns(self._mapping, self._find_types(cur))
            self._require_rights(cur)
            # Mogrified: the fragments are written for a query with parameters.
            return cur.mogrify(sql.SQL(self._queries["define"]).format(**fragments), ()).decode("utf-8")
        except psycopg2.ProgrammingError as exc:
            raise ConfigurationError(
                f"telemetry.relation {self._mapping.relation!r} cannot be shown in Grafana as it is mapped: "
                f"{exc.diag.message_primary}"
            ) from exc
        finally:
            cur.execute(self._queries["end_look"])

    def _find_types(self, cur: cursor) -> dict[str, str]:
        relation = self._mapping.identifier.as_string(cur)
        cur.execute(load_queries("telemetry")["columns"], {"relation": relation})
        return dict(cur.fetchall())

    def _require_rights(self, cur: cursor) -> None:
        relation = self._mapping.identifier.as_string(cur)
        columns = list(self._mapping.names.values())
        cur.execute(self._queries["refused_owner"], {"relation": relation, "columns": columns})
        if refused := cur.fetchone():
            raise ConfigurationError(
                f"telemetry.relation {self._mapping.relation!r} may not be read by {refused[0]}, who owns the views of "
                f"schema grafana: GRANT SELECT ON {relation} TO {refused[0]}, and run `ml-health db migrate` as the "
                "owner of the schema"
            )
