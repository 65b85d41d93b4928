"""Dashboard D5, detection quality: are the alarms right, as far as people have said?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard, gauge, stat, table, timeseries

from ml_core.domain.policies import HealthPolicy
from ml_core.grafana import fleet_overview, kinds, links, names, style
from ml_core.grafana.queries import PanelQuery, fleet_variables

LIMITS = HealthPolicy()
REVIEWS = LIMITS.min_verdicts
HALF = 0.5


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    board = style.new_dashboard(
        names.QUALITY, "ML health: detection quality", "Are the alarms right, as far as people have said?"
    )
    panels = (
        review_queue(),
        precision(),
        fleet_overview.false_positive_rate(at=(12, 0, 6, 7)),
        time_to_verdict(),
        fleet_overview.model_accuracy(at=(0, 7, 12, 8)),
        verdicts(),
        to_review(),
        worst_models(),
        before_and_after(),
        null_canary(),
    )
    return style.finish_dashboard(board, fleet_variables(), panels)


def review_queue() -> stat.Panel:
    """How much waits for a review."""
    panel = (
        kinds.figures()
        .thresholds(style.steps(style.NEUTRAL))
        .override_by_name("To review", style.steps_of((1, style.STALE)))
        .override_by_name("Confirmed", style.fixed_colour(style.HEALTHY))
        .override_by_name("False alarms", style.colour_if_any(style.FAILED))
    )
    return style.finish_panel(
        panel,
        PanelQuery("detection_quality/review_queue"),
        title="Review queue",
        description=(
            "Alarms of this time range that nobody has reviewed, and what was said of the others. Healthy: few "
            "to review. Start with the most severe ones in the table below."
        ),
        unit="short",
        no_value="no alarms in this time range",
        at=(0, 0, 6, 7),
    )


def precision() -> gauge.Panel:
    """How many alarms were real."""
    steps = style.steps(style.FAILED, (HALF, style.STALE), (LIMITS.accuracy_warn, style.HEALTHY))
    return style.finish_panel(
        kinds.share_gauge("precision").thresholds(steps),
        PanelQuery("detection_quality/precision", values={"min_verdicts": REVIEWS}),
        title="Precision",
        description=(
            "Share of reviewed alarms that were real, with n and a 95 % interval; alarms of one episode are one "
            f"review. Blank below {REVIEWS} reviews; its alert reads {LIMITS.verdict_days:g} days, choose as many to "
            f"see the same. Healthy: {LIMITS.accuracy_warn:.0%} or more. Below half: look at the worst models, and "
            "lower their target alarm rate."
        ),
        unit="percentunit",
        no_value="not enough reviews",
        at=(6, 0, 6, 7),
    )


def time_to_verdict() -> stat.Panel:
    """How long alarms wait."""
    return style.finish_panel(
        kinds.figures(vertical=False).thresholds(style.steps(style.NEUTRAL)),
        PanelQuery("detection_quality/time_to_verdict"),
        title="Time to verdict",
        description=(
            "How long alarms waited until somebody reviewed them. Healthy: within a working day. Longer: "
            "estimates of quality are of the past; review the newest alarms first."
        ),
        unit="s",
        no_value="no reviews in this time range",
        at=(18, 0, 6, 7),
    )


def verdicts() -> timeseries.Panel:
    """What people said."""
    colours = {
        "confirmed": style.HEALTHY,
        "false alarm": style.FAILED,
        "missed": style.STALE,
        "normal": style.NEUTRAL,
    }
    return style.finish_panel(
        kinds.bars_over_time(kinds.DAILY, colours),
        PanelQuery("detection_quality/verdicts", "time_series"),
        title="Verdicts",
        description=(
            "Reviews by the day of the reading: of alarms (confirmed, false alarm) and of unflagged readings "
            "drawn for the audit (missed, normal). Healthy: some of each every week. None of unflagged "
            "readings: accuracy stays blank."
        ),
        unit="short",
        no_value="no reviews in this time range",
        at=(12, 7, 12, 8),
    )


def to_review() -> table.Panel:
    """What to review first."""
    panel = kinds.rows(
        {
            "Time": [*style.unit_of("dateTimeAsIso"), *style.width_of(190)],
            "Device": links.to_device(metric=True),
            "Severity": style.decimals_of(1),
            "Subject": style.width_of(320),
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("detection_quality/to_review"),
        title="To review, the most severe first",
        description=(
            "Alarms without a verdict. Healthy: short, or empty. Click on the device to see the reading in its "
            "band, then say what it was: `ml-health verdict SUBJECT confirmed`, or `false-alarm`."
        ),
        unit="short",
        no_value="nothing to review",
        at=(0, 15, 24, 8),
    )


def worst_models() -> table.Panel:
    """Who cries wolf."""
    panel = kinds.rows(
        {
            "Device": links.to_device(metric=True),
            "Metric": style.width_of(110),
            "Reviews": style.width_of(100),
            "False alarms": style.width_of(120),
            "Precision": [*style.unit_of("percentunit"), *style.width_of(100)],
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("detection_quality/worst_models", values={"min_verdicts": REVIEWS}),
        title="Series with the most false alarms",
        description=(
            "Series by how many of their reviewed alarms were false; alarms of one episode are one review, and below "
            f"{REVIEWS} reviews there is no precision. Healthy: empty, or one or two each. One series far ahead: "
            "retrain it, lower its target alarm rate, or mute it while the machine is being repaired."
        ),
        unit="none",
        no_value="no false alarms were told",
        at=(0, 23, 12, 8),
    )


def before_and_after() -> table.Panel:
    """What retraining changed."""
    panel = kinds.rows(
        {
            "Promoted": [*style.unit_of("dateTimeAsIso"), *style.width_of(170)],
            "Device": links.to_device(metric=True),
            "Metric": style.width_of(110),
            "Version": style.width_of(80),
            "Cause": style.width_of(90),
            "Before": [*style.unit_of("percentunit"), *style.width_of(90)],
            "After": [*style.unit_of("percentunit"), *style.width_of(90)],
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("detection_quality/before_and_after"),
        title="Before and after each retrain",
        description=(
            "Share of flagged readings in the week before a new model served, and since then for at most a "
            "week. Healthy: about the same. Far more after: the first day's watch rolls back by itself; "
            "`ml-health roll-back` does it later."
        ),
        unit="none",
        no_value="no model was replaced in this time range",
        at=(0, 31, 24, 8),
    )


def null_canary() -> timeseries.Panel:
    """Whether the drift test keeps its promise."""
    colours = {"false alarm rate": style.NEUTRAL, "promised": style.HEALTHY}
    panel = kinds.lines_over_time(kinds.DAILY, colours).min(0)
    return style.finish_panel(
        panel,
        PanelQuery("detection_quality/null_canary", "time_series"),
        title="False alarms of the drift test",
        description=(
            "How often the drift test called readings drifted that were known not to have drifted (the null "
            "canary of each run). Healthy: at or below what is promised. Above for days: do not trust drift "
            "findings, and look at the latest change of the drift settings."
        ),
        unit="percentunit",
        no_value="no canary has run yet",
        at=(12, 23, 12, 8),
    )
