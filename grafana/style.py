"""What every dashboard shares: colours with one meaning each, and defaults stamped once on every panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    common,
    dashboard,
    gauge,
    heatmap,
    histogram,
    stat,
    statetimeline,
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
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from ml_core.grafana.names import TAG
from ml_core.grafana.queries import DATASOURCE, PanelQuery, datasource_variable

HEALTHY = "green"
STALE = "yellow"
FAILED = "red"
NEUTRAL = "blue"
NO_DATA = "#8e8e8e"

DAYS = "suffix: d"

Panel = TypeVar(
    "Panel",
    barchart.Panel,
    gauge.Panel,
    heatmap.Panel,
    histogram.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)
AnyPanel = (
    barchart.Panel
    | gauge.Panel
    | heatmap.Panel
    | histogram.Panel
    | stat.Panel
    | statetimeline.Panel
    | table.Panel
    | timeseries.Panel
)
HEALTHS = [
    ("healthy", "healthy", HEALTHY),
    ("failed", "failed", FAILED),
    ("broken", "failed", FAILED),
    ("degraded", "degraded", FAILED),
    ("stale", "stale", STALE),
    ("no_data", "no data", NO_DATA),
    ("unknown", "not checked", NO_DATA),
    ("collecting", "collecting", NEUTRAL),
    ("unmodellable", "unmodellable", NO_DATA),
    ("circuit_open", "training failed", FAILED),
]
OUTCOMES = [
    ("succeeded", "succeeded", HEALTHY),
    ("partial", "partial", STALE),
    ("interrupted", "interrupted", STALE),
    ("failed", "failed", FAILED),
    ("running", "running", NEUTRAL),
    ("skipped", "skipped", NEUTRAL),
]
VERDICTS = [
    ("ok", "ok", HEALTHY),
    ("warn", "warn", STALE),
    ("fail", "fail", FAILED),
    ("unknown", "unknown", NO_DATA),
    ("unreviewed", "unreviewed", STALE),
    ("confirmed", "confirmed", HEALTHY),
    ("false_alarm", "false alarm", FAILED),
    ("passed", "passed", HEALTHY),
    ("refused", "refused", FAILED),
    ("anomaly", "anomaly", FAILED),
    ("outside", "outside", FAILED),
    ("inside", "inside", HEALTHY),
]
SEVERITIES = [("critical", "critical", FAILED), ("warning", "warning", STALE)]
"""Words of table cells, how they are shown, and their colours."""


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
    *queries: PanelQuery,
    title: str,
    description: str,
    unit: str,
    no_value: str,
    at: tuple[int, int, int, int],
) -> Panel:
    """Stamp on a panel what each must have; `at` is (x, y, width, height) on the grid of 24 columns."""
    x, y, width, height = at
    for query in queries:
        panel.with_target(query)
    return (
        panel.title(title)
        .description(description)
        .unit(unit)
        .no_value(no_value)
        .datasource(DATASOURCE)
        .grid_pos(GridPos(h=height, w=width, x=x, y=y))
    )


def finish_dashboard(
    board: dashboard.Dashboard, variables: Sequence[dashboard.QueryVariable], panels: Sequence[AnyPanel]
) -> dashboard.Dashboard:
    """The datasource's drop-down and the others, then the panels, numbered by their order."""
    board.with_variable(datasource_variable())
    for variable in variables:
        board.with_variable(variable)
    for panel in panels:
        board.with_panel(panel)
    return number_panels(board)


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


def coloured_values(colours: Sequence[tuple[str, str, str]]) -> list[ValueMapping]:
    """Value mappings of (value, text, colour), for panels whose every field is such a word."""
    options = {
        value: ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, text, colour) in enumerate(colours)
    }
    return [ValueMap(options=options)]


def unit_of(unit: str) -> list[DynamicConfigValue]:
    """An override that gives a column its unit."""
    return [DynamicConfigValue(id_val="unit", value=unit)]


def days() -> list[DynamicConfigValue]:
    """An override for an age in days: it stays in days, where Grafana's own unit turns nine of them into weeks."""
    return [*unit_of(DAYS), *decimals_of(1)]


def wrapped() -> list[DynamicConfigValue]:
    """An override that lets a column's words go over several lines."""
    return [DynamicConfigValue(id_val="custom.wrapText", value=True)]


def width_of(pixels: int) -> list[DynamicConfigValue]:
    """An override that gives a table's column its width."""
    return [DynamicConfigValue(id_val="custom.width", value=pixels)]


def hidden() -> list[DynamicConfigValue]:
    """An override that keeps a table's column out of sight: links read it."""
    return [DynamicConfigValue(id_val="custom.hideFrom", value={"viz": True, "legend": False, "tooltip": False})]


def decimals_of(count: int) -> list[DynamicConfigValue]:
    """An override that rounds a column."""
    return [DynamicConfigValue(id_val="decimals", value=count)]


def steps_of(*changes: tuple[float, str], coloured_text: bool = False) -> list[DynamicConfigValue]:
    """An override that colours a figure from each bound on, and green below the first."""
    marks: list[dict[str, object]] = [{"value": None, "color": HEALTHY}]
    marks += [{"value": bound, "color": colour} for bound, colour in changes]
    values = [DynamicConfigValue(id_val="thresholds", value={"mode": "absolute", "steps": marks})]
    if coloured_text:
        values.append(DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
        values.append(DynamicConfigValue(id_val="color", value={"mode": "thresholds"}))
    return values
