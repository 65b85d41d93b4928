"""Dashboard D1, the fleet overview: is anything wrong now?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, common, dashboard, gauge, histogram, stat, table, timeseries
from grafana_foundation_sdk.models.common import VisibilityMode

from ml_core.domain.policies import HealthPolicy
from ml_core.grafana import kinds, links, names, style
from ml_core.grafana.queries import PanelQuery, QueryFormat, fleet_variables

LIMITS = HealthPolicy()
STALE_DAYS = f"{LIMITS.stale_age_days:g}"
REVIEWS = LIMITS.min_verdicts
ONE_HOUR_S = 3600.0
Place = tuple[int, int, int, int]


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    board = style.new_dashboard(
        names.FLEET, "ML health: fleet overview", "Is anything wrong with the fleet's anomaly models now?"
    )
    panels = (
        active_models(),
        model_health(),
        false_positive_rate(),
        last_run(),
        anomalies_detected(),
        anomaly_rate(),
        model_accuracy(),
        latency_histogram(),
        latency_quantiles(),
        devices_needing_attention(),
        tasks(),
    )
    return style.finish_dashboard(board, fleet_variables(), panels)


def active_models() -> gauge.Panel:
    """The seed's first panel: how much of the fleet is watched."""
    steps = style.steps(style.FAILED, (0.9, style.STALE), (0.98, style.HEALTHY))
    panel = kinds.share_gauge("share").thresholds(steps)
    return style.finish_panel(
        panel,
        _query("active_models"),
        title="Active models",
        description=(
            "Share of series that ought to have a model by now and have an active one; the count stands beside "
            "it. Healthy: 98 % or more. Below, look at the devices that need attention and at the reason of the "
            "last ml_discover run."
        ),
        unit="percentunit",
        no_value="no series yet",
        at=(0, 0, 5, 7),
    )


def model_health() -> stat.Panel:
    """Stale, degraded and failed models beside the healthy ones."""
    models = links.to_board(names.MODELS, "Look at these models")
    panel = (
        kinds.figures()
        .thresholds(style.steps(style.NEUTRAL))
        .override_by_name("Healthy", [*style.fixed_colour(style.HEALTHY), *models])
        .override_by_name("Stale", [*style.colour_if_any(style.STALE), *models])
        .override_by_name("Degraded", [*style.colour_if_any(style.FAILED), *models])
        .override_by_name("Failed", [*style.colour_if_any(style.FAILED), *models])
        .override_by_name("No data", [*style.colour_if_any(style.NO_DATA), *models])
        .override_by_name("Not checked", [*style.colour_if_any(style.NO_DATA), *models])
    )
    return style.finish_panel(
        panel,
        _query("model_health"),
        title="Models by health",
        description=(
            "Models by the verdict of the last daily check. Healthy: everything but the first figure is zero. "
            f"Stale: older than {STALE_DAYS} days, look at the last ml_retrain run. Degraded: scores have "
            "drifted, look at its issue. Failed: artifact damaged or training failed repeatedly. Muted ones are "
            "counted apart."
        ),
        unit="none",
        no_value="no models yet",
        at=(5, 0, 10, 7),
    )


def false_positive_rate(at: Place = (15, 0, 5, 7)) -> gauge.Panel:
    """The seed's fifth panel, from operators' verdicts and nothing else."""
    warn, fail = LIMITS.false_positive_rate_warn, LIMITS.false_positive_rate_fail
    steps = style.steps(style.HEALTHY, (warn, style.STALE), (fail, style.FAILED))
    panel = kinds.share_gauge("false positive rate", most=2 * fail).decimals(2).thresholds(steps)
    return style.finish_panel(
        panel,
        _query("false_positive_rate", reviewed=True),
        title="False positive rate",
        description=(
            "Estimated share of normal readings that were flagged, from the reviews of alarms in this time "
            "range, with n and a 95 % interval; alarms of one episode are one review. Blank below "
            f"{REVIEWS} reviews, unless every alarm has its review: it is counted then, not estimated. Healthy: "
            f"under {warn:.0%}. Above, look for the metric with the lowest accuracy, and review more alarms of it."
        ),
        unit="percentunit",
        no_value="not enough reviews",
        at=at,
    )


def last_run() -> stat.Panel:
    """Whether the orchestrator is alive, and whether what it last did went well."""
    worst = LIMITS.heartbeat_max_age_hours * ONE_HOUR_S
    failed = [
        *style.colour_if_any(style.FAILED),
        *style.unit_of("none"),
        *links.to_board(names.RUNS, "Look at the runs"),
    ]
    panel = (
        kinds.figures(vertical=False)
        .thresholds(style.steps(style.HEALTHY, (ONE_HOUR_S, style.STALE), (worst, style.FAILED)))
        .override_by_name("Tasks that failed", failed)
    )
    return style.finish_panel(
        panel,
        _query("last_run"),
        title="Orchestrator",
        description=(
            "Time since any task finished, and how many tasks failed when they last ran. Healthy: minutes, and none. "
            "Above an hour, check that the scheduler or the host runs: `ml-health status`, `ml-health doctor`. Of a "
            "task that failed the reason stands in the table at the bottom."
        ),
        unit="s",
        no_value="no run yet",
        at=(20, 0, 4, 7),
    )


def anomalies_detected() -> timeseries.Panel:
    """The seed's second panel."""
    panel = kinds.bars_over_time(kinds.HOURLY).legend(kinds.legend_beside("sum", "Total"))
    return style.finish_panel(
        panel,
        _query("anomalies_detected", "time_series"),
        title="Anomalies detected",
        description=(
            "Readings flagged as anomalies, by metric. Healthy: few and spread out. A burst of one metric on "
            "many devices points to a common cause; a lasting rise on one device to the machine or to a model "
            "that no longer fits."
        ),
        unit="short",
        no_value="nothing scored",
        at=(0, 16, 12, 8),
    )


def anomaly_rate() -> timeseries.Panel:
    """How far the alarms are from what the thresholds were set for."""
    warn = LIMITS.alarm_rate_warn_ratio
    panel = kinds.lines_over_time(kinds.HOURLY, {"anomaly rate": style.NEUTRAL, "target": style.HEALTHY}).min(0)
    return style.finish_panel(
        panel,
        _query("anomaly_rate", "time_series"),
        title="Anomaly rate against target",
        description=(
            "Share of scored readings that were flagged, beside the share that the thresholds of the active "
            f"models were set for. Healthy: close to the target. More than {warn:g} times the target for hours: "
            "look at the devices that need attention; a rate of zero for days: check that readings arrive."
        ),
        unit="percentunit",
        no_value="nothing scored",
        at=(12, 16, 12, 8),
    )


def model_accuracy(at: Place = (0, 24, 10, 8)) -> barchart.Panel:
    """The seed's third panel, blank where too few verdicts were given."""
    panel = (
        barchart.Panel()
        .x_field("metric")
        .min(0)
        .max(1)
        .show_value(VisibilityMode.ALWAYS)
        .legend(common.VizLegendOptions().show_legend(False))
        .thresholds(style.steps(style.FAILED, (LIMITS.accuracy_warn, style.HEALTHY)))
        .color_scheme(style.by_thresholds())
    )
    return style.finish_panel(
        panel,
        _query("model_accuracy", reviewed=True),
        title="Model accuracy",
        description=(
            "Estimated share of right decisions by metric, from reviews of alarms and of unflagged readings in "
            "this time range, each weighted by its share of all readings. No bar where there are fewer than "
            f"{REVIEWS} reviews of alarms, and not of all, or {REVIEWS} audited hours: then review more. Healthy: "
            f"{LIMITS.accuracy_warn:.0%} or more. Below, look at what the reviews of that metric have in common."
        ),
        unit="percentunit",
        no_value="not enough reviews",
        at=at,
    )


def latency_histogram() -> histogram.Panel:
    """The seed's fourth panel."""
    panel = kinds.bucketed({"scoring calls": style.NEUTRAL})
    return style.finish_panel(
        panel,
        _query("latency_histogram"),
        title="Prediction latency",
        description=(
            "Scoring calls by their wall time, on a logarithmic axis; what took over 1,000 ms stands in the "
            f"last bucket. Healthy: nearly all under {LIMITS.latency_warn_ms:g} ms. A second hump to the right: "
            "check the load of the machine and of the database."
        ),
        unit="ms",
        no_value="nothing scored",
        at=(10, 24, 10, 8),
    )


def latency_quantiles() -> stat.Panel:
    """p50, p95 and p99 beside the histogram."""
    warn, fail = LIMITS.latency_warn_ms, LIMITS.latency_fail_ms
    steps = style.steps(style.HEALTHY, (warn, style.STALE), (fail, style.FAILED))
    panel = kinds.figures(fields="latency_ms", vertical=False).thresholds(steps)
    return style.finish_panel(
        panel,
        _query("latency_quantiles"),
        title="Latency p50, p95, p99",
        description=(
            "Half, 95 % and 99 % of the scoring calls took at most this long (upper bound of the histogram's "
            f"bucket). Healthy: p95 under {LIMITS.latency_warn_ms:g} ms; above {LIMITS.latency_fail_ms:g} ms the "
            "daily check fails: check the load of the machine and of the database."
        ),
        unit="ms",
        no_value="nothing scored",
        at=(20, 24, 4, 8),
    )


def devices_needing_attention() -> table.Panel:
    """What to look at first."""
    panel = kinds.rows(
        {
            "Device": [*links.to_device(metric=False), *style.width_of(110)],
            "Health": [*style.coloured_text(style.HEALTHS), *style.width_of(100)],
            "Metrics": [*style.wrapped(), *style.width_of(170)],
            "Why": style.wrapped(),
            "Oldest model": [*style.days(), *style.width_of(110)],
            "Since": [*style.unit_of("dateTimeAsIso"), *style.width_of(180)],
            "Issue": [*links.to_issue(), *style.width_of(70)],
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        _query("devices_needing_attention"),
        title="Devices needing attention",
        description=(
            "Devices with a model that is failed, degraded, without data or stale, the worst first; muted "
            "series are left out. Healthy: an empty table. Read the reason, then the issue: it says what was "
            "tried and what to do."
        ),
        unit="none",
        no_value="none",
        at=(0, 7, 24, 9),
    )


def tasks() -> table.Panel:
    """What each task of the orchestrator did last."""
    panel = kinds.rows(
        {
            "Task": [*links.to_runs(), *style.width_of(160)],
            "Outcome": [*style.coloured_text(style.OUTCOMES), *style.width_of(120)],
            "Slot": [*style.unit_of("dateTimeAsIso"), *style.width_of(180)],
            "Duration": [*style.unit_of("ms"), *style.width_of(120)],
            "Attempt": style.width_of(100),
            "Reason": style.wrapped(),
        }
    )
    return style.finish_panel(
        panel,
        _query("tasks"),
        title="Last run of each task",
        description=(
            "The newest run of each task. Healthy: all succeeded, or skipped with a reason. Partial: some "
            "series failed, the reason names them. Failed or interrupted: it is run again while retries last; "
            "`ml-health run TASK` runs it now."
        ),
        unit="none",
        no_value="no run yet",
        at=(0, 32, 24, 11),
    )


def _query(name: str, format_as: QueryFormat = "table", *, reviewed: bool = False) -> PanelQuery:
    values = {"min_verdicts": REVIEWS} if reviewed else {}
    return PanelQuery(f"fleet_overview/{name}", format_as, values)
