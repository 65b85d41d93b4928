"""The queries of panels and variables: SQL files in the form that Grafana's PostgreSQL datasource reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from ml_core.grafana.names import DATASOURCE_TYPE, NAME
from ml_core.sql import read_sql

QueryFormat = Literal["table", "time_series"]

DATASOURCE = DataSourceRef(type_val=DATASOURCE_TYPE, uid="${datasource}")

# The value of "All" is put into `column IN (...)` as it is: a column compared with itself is always found, on a
# fleet of any size and on an empty one, where a list of every device would grow without bound or be no SQL.
ALL_OF_COLUMN = {"tenant": "tenant_id::text", "metric": "metric", "device": "device"}


class PanelQuery(Builder[Dataquery], Dataquery):
    """One SQL query of a panel; `values` fills the places written `:name` in the file."""

    def __init__(self, path: str, format_as: QueryFormat, values: Mapping[str, object] | None = None) -> None:
        self.sql = read_sql(f"panels/{path}.sql").strip()
        for name, value in (values or {}).items():
            self.sql = self.sql.replace(f":{name}", str(value))
        self.format_as = format_as

    def build(self) -> Dataquery:
        """The query itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """The query object as Grafana's datasource takes it."""
        return {
            "refId": "A",
            "datasource": DATASOURCE,
            "editorMode": "code",
            "format": self.format_as,
            "rawQuery": True,
            "rawSql": self.sql,
        }


def datasource_variable() -> DatasourceVariable:
    """The drop-down of datasources: those whose name begins like the one that is provisioned."""
    return DatasourceVariable("datasource").label("Data source").type(DATASOURCE_TYPE).regex(f"/^{NAME}/")


def query_variable(name: str, label: str, sql: str, *, hidden: bool = False) -> QueryVariable:
    """A drop-down of several values filled by a query, with all of them chosen at first."""
    return (
        QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(sql)
        .definition(sql)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .hide(VariableHide.HIDE_VARIABLE if hidden else VariableHide.DONT_HIDE)
        .multi(True)
        .include_all(True)
        .all_value(ALL_OF_COLUMN[name])
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def fleet_variables() -> list[QueryVariable]:
    """Tenant, metric and device. The tenant is not shown: sites without tenants need not know of it."""
    return [
        query_variable(
            "tenant",
            "Tenant",
            "SELECT DISTINCT tenant_id::text FROM grafana.model_status ORDER BY 1",
            hidden=True,
        ),
        query_variable(
            "metric",
            "Metric",
            "SELECT DISTINCT metric FROM grafana.model_status"
            " WHERE tenant_id::text IN (${tenant:sqlstring}) ORDER BY 1",
        ),
        query_variable(
            "device",
            "Device",
            "SELECT DISTINCT device FROM grafana.model_status"
            " WHERE tenant_id::text IN (${tenant:sqlstring}) AND metric IN (${metric:sqlstring}) ORDER BY 1",
        ),
    ]
