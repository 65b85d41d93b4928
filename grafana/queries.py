"""The queries of panels, variables and annotations: SQL in the form that Grafana's PostgreSQL datasource reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from ml_core.grafana.names import DATASOURCE_TYPE, NAME, SEEN_UNTIL
from ml_core.sql import read_sql

QueryFormat = Literal["table", "time_series"]

DATASOURCE = DataSourceRef(type_val=DATASOURCE_TYPE, uid="${datasource}")

CHOSEN = "tenant_id::text IN (${tenant:sqlstring}) AND site IN (${site:sqlstring}) AND metric IN (${metric:sqlstring})"
"""What `:chosen` stands for in a panel's SQL: the choice of every dashboard."""
SERIES_CHOSEN = (
    "tenant_id::text IN (${device_tenant:sqlstring})"
    " AND device IN (${device:sqlstring}) AND metric IN (${metric:sqlstring})"
)
"""What `:series_chosen` stands for: the one series of the device dashboard."""
TENANT_OR_SITE = "(tenant_id IS NULL OR tenant_id::text IN (${tenant:sqlstring}))"
"""What `:tenant_or_site` stands for: of the chosen tenants, or of no single one."""


class PanelQuery(Builder[Dataquery], Dataquery):
    """One SQL query of a panel; `values` fills the places written `:name` in the file."""

    def __init__(
        self,
        path: str,
        format_as: QueryFormat = "table",
        values: Mapping[str, object] | None = None,
        *,
        ref_id: str = "A",
    ) -> None:
        self.sql = read_sql(f"panels/{path}.sql").strip()
        places = {
            "chosen": CHOSEN,
            "series_chosen": SERIES_CHOSEN,
            "tenant_or_site": TENANT_OR_SITE,
            "seen_until": SEEN_UNTIL,
        }
        for name, value in {**places, **(values or {})}.items():
            self.sql = self.sql.replace(f":{name}", str(value))
        self.format_as = format_as
        self.ref_id = ref_id

    def build(self) -> Dataquery:
        """The query itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """The query object as Grafana's datasource takes it."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "format": self.format_as,
            "rawQuery": True,
            "rawSql": self.sql,
        }


def datasource_variable() -> DatasourceVariable:
    """The drop-down of datasources: those whose name begins like the one that is provisioned."""
    return DatasourceVariable("datasource").label("Data source").type(DATASOURCE_TYPE).regex(f"/^{NAME}/")


def query_variable(name: str, label: str, sql: str, *, sort: bool = True) -> QueryVariable:
    """A drop-down with one choice, filled by a query that is asked again with every time range."""
    return (
        QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(sql)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC if sort else VariableSort.DISABLED)
    )


def multiple_variable(name: str, label: str, sql: str, *, column: str, hidden: bool = False) -> QueryVariable:
    """A drop-down of several values with all of them chosen at first.

    The value of "All" is put into `column IN (...)` as it is: a column compared with itself is always found, on a
    fleet of any size and on an empty one, where a list of every value would grow without bound or be no SQL.
    """
    return (
        query_variable(name, label, sql)
        .hide(VariableHide.HIDE_VARIABLE if hidden else VariableHide.DONT_HIDE)
        .multi(True)
        .include_all(True)
        .all_value(column)
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def place_variables() -> list[QueryVariable]:
    """Tenant and site. The tenant is not shown: sites without tenants need not know of it."""
    return [
        multiple_variable(
            "tenant",
            "Tenant",
            "SELECT DISTINCT tenant_id::text FROM grafana.model_status ORDER BY 1",
            column="tenant_id::text",
            hidden=True,
        ),
        multiple_variable(
            "site",
            "Site",
            "SELECT DISTINCT site FROM grafana.model_status WHERE tenant_id::text IN (${tenant:sqlstring}) ORDER BY 1",
            column="site",
        ),
    ]


def fleet_variables() -> list[QueryVariable]:
    """Tenant, site and metric."""
    metrics = (
        "SELECT DISTINCT metric FROM grafana.model_status"
        " WHERE tenant_id::text IN (${tenant:sqlstring}) AND site IN (${site:sqlstring}) ORDER BY 1"
    )
    return [*place_variables(), multiple_variable("metric", "Metric", metrics, column="metric")]


def series_variables() -> list[QueryVariable]:
    """Tenant, site, and one device with one of its metrics.

    Two tenants may call a device the same: `device_tenant` is whose it is, so that no panel mixes them. It has a name
    of its own, for a way back to the fleet must not narrow the fleet to that tenant.
    """
    devices = (
        "SELECT DISTINCT device FROM grafana.device"
        " WHERE tenant_id::text IN (${tenant:sqlstring}) AND site IN (${site:sqlstring}) ORDER BY 1"
    )
    metrics = (
        "SELECT DISTINCT metric FROM grafana.model_status"
        " WHERE tenant_id::text IN (${device_tenant:sqlstring}) AND device IN (${device:sqlstring}) ORDER BY 1"
    )
    tenants = (
        "SELECT DISTINCT tenant_id::text FROM grafana.device"
        " WHERE tenant_id::text IN (${tenant:sqlstring}) AND device IN (${device:sqlstring}) ORDER BY 1"
    )
    return [
        *place_variables(),
        query_variable("device", "Device", devices),
        query_variable("device_tenant", "Tenant of the device", tenants).hide(VariableHide.HIDE_VARIABLE),
        query_variable("metric", "Metric", metrics),
    ]


def run_variables() -> list[QueryVariable]:
    """Tasks, and one run of them, the newest first."""
    runs = (
        "SELECT run_id::text AS __value,"
        " task || ' ' || to_char(slot AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS __text FROM grafana.run"
        " WHERE $__timeFilter(slot) AND task IN (${task:sqlstring}) ORDER BY slot DESC, run_id DESC LIMIT 500"
    )
    tasks = "SELECT DISTINCT task FROM grafana.run WHERE $__timeFilter(slot) ORDER BY 1"
    return [
        multiple_variable("task", "Task", tasks, column="task"),
        query_variable("run", "Run", runs, sort=False),
    ]


def annotation(name: str, path: str, colour: str) -> AnnotationQuery:
    """Marks on every panel with a time axis; the query answers time, timeend, text and tags."""
    return (
        AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(colour)
        .target(PanelQuery(path, ref_id="Anno"))
    )
