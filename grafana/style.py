"""What every dashboard shares: colours with one meaning each, and defaults stamped once on every panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    common,
    dashboard,
    gauge,
    histogram,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Threshold,
    ThresholdsMode,
)

from ml_core.grafana.names import TAG
from ml_core.grafana.queries import DATASOURCE, PanelQuery

HEALTHY = "green"
STALE = "yellow"
FAILED = "red"
NEUTRAL = "blue"
NO_DATA = "#8e8e8e"

Panel = TypeVar("Panel", barchart.Panel, gauge.Panel, histogram.Panel, stat.Panel, table.Panel, timeseries.Panel)


def new_dashboard(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """A dashboard with our defaults and without panels: the last day, UTC, a look a minute, not editable."""
    others = (
        dashboard.DashboardLink("ML health dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("utc")
        .refresh("1m")
        .time("now-24h", "now")
        .readonly()
        .link(others)
    )


def finish_panel(
    panel: Panel,
    query: PanelQuery,
    *,
    title: str,
    description: str,
    unit: str,
    no_value: str,
    at: tuple[int, int, int, int],
) -> Panel:
    """Stamp on a panel what each must have; `at` is (x, y, width, height) on the grid of 24 columns."""
    x, y, width, height = at
    return (
        panel.title(title)
        .description(description)
        .unit(unit)
        .no_value(no_value)
        .datasource(DATASOURCE)
        .with_target(query)
        .grid_pos(GridPos(h=height, w=width, x=x, y=y))
    )


def number_panels(board: dashboard.Dashboard) -> dashboard.Dashboard:
    """Give the panels ids by their order, so that regenerating changes none."""
    for number, panel in enumerate(board.build().panels or (), start=1):
        panel.id_val = number
    return board


def steps(first_colour: str, *changes: tuple[float, str]) -> dashboard.ThresholdsConfig:
    """Colours by value: the first one below all bounds, then each from its bound on."""
    marks = [Threshold(value=None, color=first_colour)]
    marks += [Threshold(value=bound, color=colour) for bound, colour in changes]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(marks)


def by_thresholds() -> dashboard.FieldColor:
    """A panel coloured by its steps."""
    return dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def fixed_colour(colour: str) -> list[DynamicConfigValue]:
    """An override that draws a field in one colour."""
    return [DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})]


def colour_if_any(colour: str, none: str = HEALTHY) -> list[DynamicConfigValue]:
    """An override that colours a count: `none` at zero, `colour` from one on."""
    marks = [{"value": None, "color": none}, {"value": 1, "color": colour}]
    return [DynamicConfigValue(id_val="thresholds", value={"mode": "absolute", "steps": marks})]


def each_row(*fields: str) -> common.ReduceDataOptions:
    """Show a query's rows as they are, each named by its text column."""
    names = "|".join(fields)
    return common.ReduceDataOptions().values(True).calcs([]).fields(f"/^({names})$/" if names else "")


def coloured_text(colours: Sequence[tuple[str, str, str]]) -> list[DynamicConfigValue]:
    """An override that shows (value, text, colour) of a table's column as coloured words."""
    options = {
        value: {"text": text, "color": colour, "index": index} for index, (value, text, colour) in enumerate(colours)
    }
    return [
        DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": options}]),
        DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
    ]
