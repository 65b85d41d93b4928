"""Dashboard D2, model health and lifecycle: which models are not well, and what becomes of new ones?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, dashboard, heatmap, histogram, table, timeseries

from ml_core.domain.policies import HealthPolicy
from ml_core.grafana import kinds, links, names, style
from ml_core.grafana.queries import PanelQuery, fleet_variables

LIMITS = HealthPolicy()
STALE_DAYS = f"{LIMITS.stale_age_days:g}"
BY_HEALTH = {
    "Healthy": style.HEALTHY,
    "Stale": style.STALE,
    "Degraded": style.FAILED,
    "Failed": style.FAILED,
    "No data": style.NO_DATA,
    "Not checked": style.NO_DATA,
    "Muted": style.NEUTRAL,
}


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    board = style.new_dashboard(
        names.MODELS, "ML health: models", "Which models are not well, how old are they, and what becomes of new ones?"
    )
    panels = (
        status_by_site(),
        model_age(),
        latency(),
        models(),
        retrains(),
        gate_refusals(),
        artifact_bytes(),
        series_without_model(),
        coverage_gaps(),
    )
    return style.finish_dashboard(board, fleet_variables(), panels)


def status_by_site() -> barchart.Panel:
    """How each site stands."""
    return style.finish_panel(
        kinds.bars("Site", stacked=BY_HEALTH, level=True),
        PanelQuery("model_health/status_by_site"),
        title="Models by site and health",
        description=(
            "Models of each site by the verdict of the last daily check. Healthy: green only. One site in red "
            "or yellow: look for a common cause there (gateway, clock, load) before looking at single models."
        ),
        unit="none",
        no_value="no models yet",
        at=(0, 0, 9, 8),
    )


def model_age() -> histogram.Panel:
    """How old the models are, with the age from which they are stale."""
    return style.finish_panel(
        kinds.bucketed({"fresh": style.HEALTHY, "stale": style.STALE}),
        PanelQuery("model_health/model_age", values={"stale_age_days": STALE_DAYS}),
        title="Age of models",
        description=(
            f"Active models by age in days; from day {STALE_DAYS} on they count as stale and are drawn yellow. "
            "Healthy: spread out, nothing yellow. Yellow: look at the last ml_retrain run, and below at what "
            "the gate refused."
        ),
        unit=style.DAYS,
        no_value="no models yet",
        at=(9, 0, 7, 8),
    )


def latency() -> heatmap.Panel:
    """Latency by time and bucket."""
    return style.finish_panel(
        kinds.heat("ms"),
        PanelQuery("model_health/latency_heatmap", "time_series"),
        title="Prediction latency in time",
        description=(
            "Scoring calls by hour and wall time; each row is a bucket named by its upper bound, the top row "
            f"holds what took over a second. Healthy: a dark band below {LIMITS.latency_warn_ms:g} ms that stays "
            "where it is. A band that climbs: check the load of the machine and of the database."
        ),
        unit="short",
        no_value="nothing scored",
        at=(16, 0, 8, 8),
    )


def models() -> table.Panel:
    """Every model, the worst first."""
    panel = kinds.rows(
        {
            "Device": [*links.to_device(metric=True), *style.width_of(130)],
            "Metric": style.width_of(120),
            "Health": [*style.coloured_text(style.HEALTHS), *style.width_of(100)],
            "Site": style.width_of(100),
            "Why": style.wrapped(),
            "Version": style.width_of(80),
            "Age": [*style.days(), *style.width_of(80)],
            "Last scored": [*style.unit_of("dateTimeAsIso"), *style.width_of(170)],
            "Alarms over target": [*style.unit_of("suffix:x"), *style.decimals_of(1), *style.width_of(160)],
            "Issue": [*links.to_issue(), *style.width_of(70)],
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("model_health/models"),
        title="Models",
        description=(
            "The 200 models that are worst off. Healthy: green, younger than a week, alarms about once their "
            "target. Click on a device to see its readings and why it was decided so."
        ),
        unit="none",
        no_value="no models yet",
        at=(0, 8, 24, 9),
    )


def retrains() -> timeseries.Panel:
    """What became of new models."""
    colours = {
        "promoted": style.HEALTHY,
        "not promoted": style.STALE,
        "failed": style.FAILED,
        "cancelled": style.NO_DATA,
        "rolled back": style.FAILED,
    }
    return style.finish_panel(
        kinds.bars_over_time(kinds.DAILY, colours),
        PanelQuery("model_health/retrains", "time_series"),
        title="Retrains by outcome",
        description=(
            "Newly trained models by day: promoted, refused by the gate, or failed. Healthy: mostly promoted. "
            "Refusals of many models at once: look beside at which question refused them; failures: at the last "
            "ml_retrain run."
        ),
        unit="short",
        no_value="no retrains in this time range",
        at=(0, 17, 10, 8),
    )


def gate_refusals() -> barchart.Panel:
    """Which question of the gate says no."""
    return style.finish_panel(
        kinds.bars("Gate", level=True),
        PanelQuery("model_health/gate_refusals"),
        title="What the gate refused",
        description=(
            "Refused models by the question of the gate that they failed. Healthy: empty or few. Many of one "
            "question: the device's dashboard shows the figures under 'Why did it decide this?'."
        ),
        unit="none",
        no_value="nothing was refused",
        at=(10, 17, 7, 8),
    )


def artifact_bytes() -> barchart.Panel:
    """What models take on disk."""
    return style.finish_panel(
        kinds.bars("Status", level=True),
        PanelQuery("model_health/artifact_bytes"),
        title="Artifact store",
        description=(
            "Bytes of model files by status. Healthy: active ones take most, and the sum is steady. Retired "
            "ones grow without end: look at the last ml_purge run."
        ),
        unit="bytes",
        no_value="no artifacts",
        at=(17, 17, 7, 8),
    )


def series_without_model() -> table.Panel:
    """What nothing watches."""
    panel = kinds.rows(
        {
            "Device": links.to_device(metric=True),
            "State": style.coloured_text(style.HEALTHS),
            "Why": style.wrapped(),
            "First model from": style.unit_of("dateTimeAsIso"),
            "Newest reading": style.unit_of("dateTimeAsIso"),
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("model_health/series_without_model"),
        title="Series without a model",
        description=(
            "Series that nothing watches: those that still collect readings, those without enough variety to "
            "model, and those whose training failed repeatedly. Healthy: only collecting ones. Read the reason; "
            "training that failed is tried again by itself after a rest."
        ),
        unit="none",
        no_value="every series has a model",
        at=(0, 25, 12, 8),
    )


def coverage_gaps() -> table.Panel:
    """Where readings are missing."""
    panel = kinds.rows(
        {
            "Device": links.to_device(metric=True),
            "Verdict": style.coloured_text(style.VERDICTS),
            "What was found": style.wrapped(),
            "Checked": style.unit_of("dateTimeAsIso"),
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("model_health/coverage_gaps"),
        title="Coverage gaps",
        description=(
            "Series whose readings were late or missing at the last daily check. Healthy: an empty table. Look "
            "at the device's connection and gateway first: a model cannot watch what does not arrive."
        ),
        unit="none",
        no_value="no gaps",
        at=(12, 25, 12, 8),
    )
