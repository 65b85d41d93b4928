"""Dashboard D3, one device's metric: what was measured, what was expected, and why it was decided so."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common, dashboard, statetimeline, table, timeseries
from grafana_foundation_sdk.models.common import GraphDrawStyle, GraphThresholdsStyleMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from ml_core.domain.policies import HealthPolicy
from ml_core.grafana import kinds, names, style
from ml_core.grafana.queries import PanelQuery, annotation, series_variables

LIMITS = HealthPolicy()
STALE_DAYS = f"{LIMITS.stale_age_days:g}"
POINT_SIZE = 7
SECONDLY = "1s"


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    board = style.new_dashboard(
        names.DEVICE, "ML health: device", "What was measured, what was expected, and why was it decided so?"
    )
    board.annotation(annotation("Episodes", "device/annotation_episodes", style.FAILED))
    board.annotation(annotation("Models", "device/annotation_models", style.NEUTRAL))
    panels = (
        model(),
        readings(),
        scores(),
        alarm_rate(),
        checks(),
        anomalies(),
        decisions(),
        model_events(),
    )
    return style.finish_dashboard(board, series_variables(), panels)


def model() -> table.Panel:
    """The series as it stands."""
    stale, failed = LIMITS.stale_age_days, LIMITS.failed_age_days
    steps = style.steps_of((stale, style.STALE), (failed, style.FAILED), coloured_text=True)
    panel = kinds.rows(
        {
            "Health": [*style.coloured_text(style.HEALTHS), *style.width_of(120)],
            "Version": style.width_of(100),
            "Age": [*style.days(), *steps, *style.width_of(120)],
            "Scored until": [*style.unit_of("dateTimeAsIso"), *style.width_of(180)],
            "Why": style.wrapped(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/model"),
        title="The model now",
        description=(
            f"Health, version and age of the model that serves. Healthy: green, younger than {STALE_DAYS} days. "
            "Otherwise the reason stands at the right, and further down each check and each decision."
        ),
        unit="none",
        no_value="no such series",
        at=(0, 0, 24, 4),
    )


def readings() -> timeseries.Panel:
    """The readings with their expected band and what was flagged."""
    edge = DynamicConfigValue(id_val="custom.lineWidth", value=0)
    panel = (
        kinds.lines_over_time(SECONDLY)
        .line_width(1)
        .override_by_name("reading", style.fixed_colour(style.NEUTRAL))
        .override_by_name("expected from", [*style.fixed_colour(style.HEALTHY), edge])
        .override_by_name(
            "expected to",
            [
                *style.fixed_colour(style.HEALTHY),
                edge,
                DynamicConfigValue(id_val="custom.fillBelowTo", value="expected from"),
                DynamicConfigValue(id_val="custom.fillOpacity", value=15),
            ],
        )
        .override_by_name("anomaly", _points())
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/readings", "time_series"),
        PanelQuery("device/anomaly_points", "time_series", ref_id="B"),
        title="Readings and expected band",
        description=(
            "Readings (blue) in the band that the model expected (green), flagged ones as red points; episodes "
            "and new models are marked. Healthy: blue within green. Without a band the detector's expectation "
            "moves with the readings: it then stands beside each anomaly in the table."
        ),
        unit="short",
        no_value="no readings in this time range",
        at=(0, 4, 24, 10),
    )


def scores() -> timeseries.Panel:
    """Scores against the threshold."""
    panel = (
        kinds.lines_over_time(SECONDLY)
        .override_by_name("score", _points())
        .thresholds(style.steps(style.FAILED, (0, style.HEALTHY)))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
        .axis_soft_max(0.05)
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/scores", "time_series"),
        title="Score against threshold",
        description=(
            "Scores of flagged readings; the line at zero is the threshold. Healthy: empty, or a few points "
            "just below the line. Far below: the reading was far from anything learned."
        ),
        unit="short",
        no_value="nothing was flagged",
        at=(0, 14, 8, 8),
    )


def alarm_rate() -> timeseries.Panel:
    """Alarms beside what the target lets expect."""
    return style.finish_panel(
        kinds.lines_over_time(kinds.HOURLY, {"anomalies": style.FAILED, "expected": style.HEALTHY}).min(0),
        PanelQuery("device/alarm_rate", "time_series"),
        title="Alarms against target",
        description=(
            "Flagged readings of each hour (longer in a long range), beside how many the model's target lets expect. "
            "Healthy: mostly zero. Steadily above: the machine has changed or the model no longer fits; look at the "
            "checks beside."
        ),
        unit="short",
        no_value="nothing scored",
        at=(8, 14, 8, 8),
    )


def checks() -> statetimeline.Panel:
    """What each check said, day by day."""
    return style.finish_panel(
        kinds.states_over_time(),
        PanelQuery("device/checks"),
        title="Checks in time",
        description=(
            "The verdict of each check of each daily run. Healthy: green throughout. A row that turns yellow or "
            "red says what is wrong; its runbook says what to do. Choose a week to see more than one run."
        ),
        unit="none",
        no_value="no check in this time range",
        at=(16, 14, 8, 8),
    )


def anomalies() -> table.Panel:
    """What was flagged, each to be confirmed or called a false alarm."""
    panel = kinds.rows(
        {
            "Time": style.unit_of("dateTimeAsIso"),
            "Verdict": style.coloured_text(style.VERDICTS),
            "Severity": style.decimals_of(1),
            "Detection": style.width_of(320),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/anomalies"),
        title="Anomalies",
        description=(
            "Flagged readings, the newest first, with what an operator said of each. Healthy: all reviewed. "
            "Give the missing verdicts with `ml-health verdict DETECTION confirmed`, or `false-alarm`: accuracy and "
            "false positive rate are told from them alone."
        ),
        unit="short",
        no_value="nothing was flagged",
        at=(0, 22, 24, 8),
    )


def decisions() -> table.Panel:
    """Why it decided as it did."""
    panel = kinds.rows(
        {
            "Time": [*style.unit_of("dateTimeAsIso"), *style.width_of(190)],
            "Decision": style.width_of(110),
            "Step": style.width_of(60),
            "What was looked at": style.width_of(230),
            "Verdict": [*style.coloured_text(style.VERDICTS), *style.width_of(110)],
            "Told": style.wrapped(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/decisions"),
        title="Why did it decide this?",
        description=(
            "The last decisions about this series, step by step: for an anomaly the reading, the band, the "
            "score; for a new model every question of the gate with its answer. Healthy: the steps make sense "
            "to you. If they do not, say so with a verdict, or roll the model back."
        ),
        unit="none",
        no_value="nothing was decided in this time range",
        at=(0, 30, 24, 10),
    )


def model_events() -> table.Panel:
    """What was done to the models of the series."""
    panel = kinds.rows(
        {
            "Time": [*style.unit_of("dateTimeAsIso"), *style.width_of(170)],
            "Event": style.width_of(110),
            "Version": style.width_of(80),
            "Cause": style.width_of(90),
            "Reason": style.wrapped(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("device/model_events"),
        title="Life of its models",
        description=(
            "What was done to the models of this series up to the end of the time range, and why. Healthy: a "
            "promotion about once a week. `ml-health roll-back` lets the previous version serve again."
        ),
        unit="none",
        no_value="no model yet",
        at=(0, 40, 24, 8),
    )


def _points() -> list[DynamicConfigValue]:
    return [
        *style.fixed_colour(style.FAILED),
        DynamicConfigValue(id_val="custom.drawStyle", value=GraphDrawStyle.POINTS),
        DynamicConfigValue(id_val="custom.showPoints", value=VisibilityMode.ALWAYS),
        DynamicConfigValue(id_val="custom.pointSize", value=POINT_SIZE),
    ]
