"""The kinds of panels that dashboards are made of, each with what is alike in all of them."""

from __future__ import annotations

from collections.abc import Mapping

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
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    HeatmapCellLayout,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    StackingMode,
    TimelineValueAlignment,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale

from ml_core.grafana import style

HOURLY, DAILY = "1h", "1d"
ROW_HEIGHT, OPAQUE = 0.9, 60
TITLE_SIZE = 15
BESIDE_SIZE, BELOW_SIZE = 28, 40
"""Of a figure beside its name, and of one below it."""


def share_gauge(field: str, *, most: float = 1.0) -> gauge.Panel:
    """One share on a dial, coloured by its steps; the label beside it is the row's text."""
    return gauge.Panel().min(0).max(most).reduce_options(style.each_row(field)).color_scheme(style.by_thresholds())


def figures(*, fields: str = "", vertical: bool = True) -> stat.Panel:
    """Figures with their names: one a column, or with `fields` one a row named by its text."""
    columns = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/")
    return (
        stat.Panel()
        .reduce_options(style.each_row(fields) if fields else columns)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .orientation(VizOrientation.VERTICAL if vertical else VizOrientation.HORIZONTAL)
        .text(common.VizTextDisplayOptions().title_size(TITLE_SIZE).value_size(BELOW_SIZE if vertical else BESIDE_SIZE))
        .color_scheme(style.by_thresholds())
    )


def bars_over_time(interval: str, colours: Mapping[str, str] | None = None) -> timeseries.Panel:
    """Counts on top of each other, an interval a bar."""
    panel = (
        timeseries.Panel()
        .interval(interval)
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(OPAQUE)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        .legend(legend_below())
        .min(0)
        .decimals(0)
    )
    return _colour(panel, colours or {})


def lines_over_time(interval: str, colours: Mapping[str, str] | None = None) -> timeseries.Panel:
    """Lines, with a point where a neighbour is missing."""
    panel = timeseries.Panel().interval(interval).line_width(2).legend(legend_below())
    return _colour(panel, colours or {})


def bars(category: str, *, stacked: Mapping[str, str] | None = None, level: bool = False) -> barchart.Panel:
    """A bar a category; with `stacked` the named columns on top of each other in their colours."""
    panel = (
        barchart.Panel()
        .x_field(category)
        .min(0)
        .show_value(VisibilityMode.AUTO if stacked else VisibilityMode.ALWAYS)
        .legend(legend_below() if stacked else common.VizLegendOptions().show_legend(False))
        .orientation(VizOrientation.HORIZONTAL if level else VizOrientation.AUTO)
    )
    if stacked is None:
        return panel.color_scheme(fixed(style.NEUTRAL))
    panel.stacking(StackingMode.NORMAL)
    for name, colour in stacked.items():
        panel.override_by_name(name, style.fixed_colour(colour))
    return panel


def bucketed(colours: Mapping[str, str]) -> histogram.Panel:
    """A histogram of ready-made buckets (columns xMin, xMax and counts)."""
    panel = histogram.Panel().fill_opacity(OPAQUE)
    panel.legend(legend_below() if len(colours) > 1 else common.VizLegendOptions().show_legend(False))
    for name, colour in colours.items():
        unit = DynamicConfigValue(id_val="unit", value="short")
        panel.override_by_name(name, [*style.fixed_colour(colour), unit])
    return panel


def heat(unit_of_rows: str) -> heatmap.Panel:
    """Counts by time and bucket: a column a bucket, named by its upper bound."""
    colour = (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.OPACITY)
        .fill(style.NEUTRAL)
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
    )
    return (
        heatmap.Panel()
        .interval(HOURLY)
        .calculate(False)
        .rows_frame(heatmap.RowsHeatmapOptions().layout(HeatmapCellLayout.LE).value("calls"))
        .color(colour)
        .y_axis(heatmap.YAxisConfig().unit(unit_of_rows))
        .cell_gap(1)
        .exemplars_color(style.NEUTRAL)
        .show_legend()
        .scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
    )


def states_over_time() -> statetimeline.Panel:
    """A row a column of words, coloured by the word."""
    return (
        statetimeline.Panel()
        .row_height(ROW_HEIGHT)
        .merge_values(True)
        .align_value(TimelineValueAlignment.LEFT)
        .show_value(VisibilityMode.NEVER)
        .mappings(style.coloured_values(style.VERDICTS[:4]))
        .legend(legend_below())
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(style.steps(style.NO_DATA))
    )


def rows(columns: Mapping[str, list[DynamicConfigValue]]) -> table.Panel:
    """A table; `columns` are the properties of those columns that need some.

    An empty cell stays empty: the words for no value are for a table without rows.
    """
    panel = table.Panel().override_by_regexp("/.*/", [DynamicConfigValue(id_val="noValue", value="")])
    for name, properties in columns.items():
        panel.override_by_name(name, properties)
    return panel


def fixed(colour: str) -> dashboard.FieldColor:
    """One colour for every field."""
    return dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def legend_below() -> common.VizLegendOptions:
    """Names in a line under the panel."""
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
    )


def legend_beside(figure: str, shown: str) -> common.VizLegendOptions:
    """Names with one figure of each in a table beside the panel, the largest first: so shades are told apart."""
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.RIGHT)
        .calcs([figure])
        .sort_by(shown)
        .sort_desc(True)
    )


def _colour(panel: timeseries.Panel, colours: Mapping[str, str]) -> timeseries.Panel:
    # Lines without a meaning of their own are shades of the neutral colour: a classic palette would make some of
    # them green and others red.
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.SHADES).fixed_color(style.NEUTRAL))
    for name, colour in colours.items():
        panel.override_by_name(name, style.fixed_colour(colour))
    return panel
