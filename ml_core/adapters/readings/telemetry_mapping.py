"""How one relation's columns, of whatever names and types, are read as device, metric, time and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql

from ml_core.domain.series import FIXED_TENANT
from ml_core.errors import ConfigurationError

OWN_RELATION = "ml_health.telemetry"
_PART = r'"((?:[^"]|"")+)"|([^."]+)'
_RELATION = re.compile(rf"(?:(?:{_PART})\.)?(?:{_PART})")
_TEXT_TYPES = {"text", "character varying", "character", "name", "citext"}
_WHOLE_NUMBERS = {"smallint", "integer", "bigint"}
_DECIMAL = "^[[:space:]]*[-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,3})?[[:space:]]*$"
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_WHOLE = "^-?[0-9]{1,18}$"


@dataclass(frozen=True, kw_only=True)
class TelemetryMapping:
    """The relation that holds readings and the names of its columns, in PostgreSQL's exact spelling.

    `relation` is TABLE or SCHEMA.TABLE; a part that itself holds a dot is written in double quotes.
    """

    relation: str
    device_column: str
    metric_column: str
    value_column: str
    timestamp_column: str
    tenant_column: str | None = None

    @property
    def names(self) -> dict[str, str]:
        """The columns by the setting that names each."""
        columns = {
            "device": self.device_column,
            "metric": self.metric_column,
            "value": self.value_column,
            "timestamp": self.timestamp_column,
        }
        # Our own table always has its tenant, which leads its primary key.
        tenant = self.tenant_column or ("tenant_id" if self.relation == OWN_RELATION else None)
        return {**columns, "tenant": tenant} if tenant else columns

    @property
    def identifier(self) -> sql.Identifier:
        """The relation, quoted; ConfigurationError where it is not of the form [SCHEMA.]TABLE."""
        return relation_name(self.relation, "telemetry.relation")


def relation_name(relation: str, setting: str) -> sql.Identifier:
    """A relation written TABLE or SCHEMA.TABLE, quoted; ConfigurationError names the setting where it is neither."""
    found = _RELATION.fullmatch(relation)
    if found is None:
        raise ConfigurationError(f"{setting} {relation!r} is not of the form TABLE or SCHEMA.TABLE")
    quoted_schema, plain_schema, quoted_table, plain_table = found.groups()
    parts = (_unquote(quoted_schema) or plain_schema, _unquote(quoted_table) or plain_table)
    return sql.Identifier(*(part for part in parts if part))


def express_columns(mapping: TelemetryMapping, types: Mapping[str, str]) -> dict[str, sql.Composable]:
    """The fragments that the queries of telemetry.sql are completed with.

    `types` are those of the relation's columns by name, empty where there is no such relation. Raises
    ConfigurationError naming the setting of a relation or column that is missing or of an unusable type.
    """
    if not types:
        raise ConfigurationError(
            f"telemetry.relation names {mapping.relation!r}, which is not in this database or not visible to this "
            "user: check schema and spelling (upper and lower case count), and USAGE on the schema"
        )
    columns = {role: _find_column(role, name, types) for role, name in mapping.names.items()}
    device, metric = columns["device"], columns["metric"]
    return {
        "relation": _in_query(mapping.identifier),
        "device": _comparable(*device),
        "device_text": _as_text(device[0]),
        "asked_device": _as_asked(sql.SQL("asked.device"), device[1]),
        "metric": _comparable(*metric),
        "metric_text": _as_text(metric[0]),
        "asked_metric": _as_asked(sql.SQL("asked.metric"), metric[1]),
        "value": _express_value(*columns["value"]),
        **_express_time(*columns["timestamp"]),
        **_express_tenant(columns.get("tenant")),
    }


def _unquote(part: str | None) -> str | None:
    return part.replace('""', '"') if part else None


def _find_column(role: str, name: str, types: Mapping[str, str]) -> tuple[sql.Composable, str]:
    if name not in types:
        raise ConfigurationError(
            f"telemetry.{role}_column names {name!r}, which telemetry.relation does not have; it has: "
            + ", ".join(types)
        )
    return _in_query(sql.Identifier("source", name)), types[name]


def _in_query(name: sql.Identifier) -> sql.Identifier:
    # The driver takes a single per cent sign for a placeholder, even inside of quotes.
    return sql.Identifier(*(part.replace("%", "%%") for part in name.strings))


def _unusable(role: str, kind: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"telemetry.{role}_column is of type {kind}; {wanted} is needed: map a view that converts it"
    )


def _as_text(column: sql.Composable) -> sql.Composable:
    return sql.SQL("{}::text").format(column)


def _comparable(column: sql.Composable, kind: str) -> sql.Composable:
    # As it is wherever an index on the column can serve.
    plain = kind in _TEXT_TYPES or kind == "uuid" or kind in _WHOLE_NUMBERS
    return column if plain else _as_text(column)


def _as_asked(asked: sql.Composable, kind: str) -> sql.Composable:
    # A name that cannot be of the column's type matches nothing, rather than ending the query.
    guarded = {"uuid": ("uuid", _UUID)} | dict.fromkeys(_WHOLE_NUMBERS, ("bigint", _WHOLE))
    if kind not in guarded:
        return asked
    target, pattern = guarded[kind]
    form = f"CASE WHEN {{asked}} ~ {{pattern}} THEN {{asked}}::{target} END"
    return sql.SQL(form).format(asked=asked, pattern=sql.Literal(pattern))


def _express_value(column: sql.Composable, kind: str) -> sql.Composable:
    if kind == "double precision":
        return column
    if kind in _WHOLE_NUMBERS or kind == "real":
        return sql.SQL("{}::double precision").format(column)
    if kind == "boolean":
        return sql.SQL("{}::integer::double precision").format(column)
    if kind == "numeric":
        return _bounded(column)
    if kind in _TEXT_TYPES:
        number = _bounded(sql.SQL("{}::numeric").format(column))
        return sql.SQL("CASE WHEN {} ~ {} THEN {} END").format(column, sql.Literal(_DECIMAL), number)
    raise _unusable("value", kind, "a number")


def _bounded(number: sql.Composable) -> sql.Composable:
    # The cast itself would end the query on a number beyond double precision, large or small.
    form = "CASE WHEN abs({0}) < 1e-300 THEN 0 WHEN abs({0}) < 1.7976931348623157e308 THEN {0}::double precision END"
    return sql.SQL(form).format(number)


def _express_time(column: sql.Composable, kind: str) -> dict[str, sql.Composable]:
    # The bound takes the column's own form, so that an index on the column serves.
    forms = {
        "timestamp with time zone": ("{}", "{}"),
        "timestamp without time zone": ("{} AT TIME ZONE 'UTC'", "({} AT TIME ZONE 'UTC')"),
        "date": ("{}::timestamp AT TIME ZONE 'UTC'", "({} AT TIME ZONE 'UTC')"),
    }
    if kind not in forms:
        raise _unusable("timestamp", kind, "a timestamp or a date")
    reading, bound = (sql.SQL(form) for form in forms[kind])
    return {
        "timestamp": column,
        "at": reading.format(column),
        "until": bound.format(sql.SQL("%(until)s::timestamptz")),
        "asked_after": bound.format(sql.SQL("asked.after")),
        "asked_until": bound.format(sql.SQL("asked.until")),
    }


def _express_tenant(found: tuple[sql.Composable, str] | None) -> dict[str, sql.Composable]:
    if found is None:
        fixed = sql.Literal(str(FIXED_TENANT))
        return {
            "tenant": sql.SQL("{}::uuid").format(fixed),
            "tenant_text": sql.SQL("{}::text").format(fixed),
            "tenant_matches": sql.SQL("asked.tenant = {}::uuid").format(fixed),
        }
    column, kind = found
    if kind != "uuid" and kind not in _TEXT_TYPES:
        raise _unusable("tenant", kind, "a UUID")
    asked = sql.SQL("asked.tenant" if kind == "uuid" else "asked.tenant::text")
    as_uuid = sql.SQL("CASE WHEN {0} ~ {1} THEN {0}::uuid END").format(column, sql.Literal(_UUID))
    return {
        "tenant": column if kind == "uuid" else as_uuid,
        "tenant_text": _as_text(column),
        "tenant_matches": sql.SQL("{} = {}").format(column, asked),
    }
