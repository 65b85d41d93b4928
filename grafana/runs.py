"""Dashboard D4, the orchestrator and its incidents: what ran, what it did, and what is open?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, dashboard, stat, table, timeseries

from ml_core.domain.policies import HealthPolicy
from ml_core.grafana import kinds, links, names, style
from ml_core.grafana.queries import PanelQuery, fleet_variables, run_variables

LIMITS = HealthPolicy()
ONE_HOUR_S = 3600.0
BY_OUTCOME = {name: colour for name, _, colour in style.OUTCOMES}
COLUMNS_BY_OUTCOME = {
    "Succeeded": style.HEALTHY,
    "Partial": style.STALE,
    "Interrupted": style.STALE,
    "Failed": style.FAILED,
    "Skipped": style.NEUTRAL,
    "Running": style.NEUTRAL,
}


def build() -> dashboard.Dashboard:
    """The whole dashboard."""
    board = style.new_dashboard(
        names.RUNS, "ML health: orchestrator and incidents", "What ran, what did it do, and what is still open?"
    )
    panels = (
        last_run(),
        runs_by_outcome(),
        run_duration(),
        open_incidents(),
        escalations(),
        not_done(),
        missed_slots(),
        run_steps(),
        run_figures(),
        actions(),
        outcomes_by_task(),
        bytes_freed(),
    )
    return style.finish_dashboard(board, [*fleet_variables(), *run_variables()], panels)


def last_run() -> stat.Panel:
    """Whether the orchestrator is alive."""
    worst = LIMITS.heartbeat_max_age_hours * ONE_HOUR_S
    panel = (
        kinds.figures(vertical=False)
        .thresholds(style.steps(style.HEALTHY))
        .override_by_name("Any task", style.steps_of((ONE_HOUR_S, style.STALE), (worst, style.FAILED)))
        .override_by_name("Daily check", style.steps_of((worst, style.FAILED)))
    )
    return style.finish_panel(
        panel,
        PanelQuery("runs/heartbeat"),
        title="Heartbeat",
        description=(
            "Time since any task finished, and since a daily check of the models was done. Healthy: minutes, and "
            f"under {LIMITS.heartbeat_max_age_hours:g} hours, above which the alert fires. Otherwise check that the "
            "scheduler or the host runs: `ml-health doctor`."
        ),
        unit="s",
        no_value="no run yet",
        at=(0, 0, 4, 8),
    )


def runs_by_outcome() -> timeseries.Panel:
    """Runs in time."""
    return style.finish_panel(
        kinds.bars_over_time(kinds.HOURLY, BY_OUTCOME),
        PanelQuery("runs/runs_by_outcome", "time_series"),
        title="Runs by outcome",
        description=(
            "Runs of the chosen tasks by how they ended. Healthy: green and blue. Yellow: some series failed or "
            "a run was interrupted and is taken up again. Red: choose that run above and read its steps."
        ),
        unit="short",
        no_value="no runs in this time range",
        at=(4, 0, 10, 8),
    )


def run_duration() -> timeseries.Panel:
    """How long runs take."""
    return style.finish_panel(
        kinds.lines_over_time(kinds.HOURLY).min(0).span_nulls(True).legend(kinds.legend_beside("max", "Max")),
        PanelQuery("runs/run_duration", "time_series"),
        title="Duration of runs",
        description=(
            "The longest run of each task in each hour. Healthy: steady, and well below the task's deadline in "
            "the manifest. A line that climbs with the fleet: look at the machine's load, then at "
            "execution.jobs."
        ),
        unit="ms",
        no_value="no runs in this time range",
        at=(14, 0, 10, 8),
    )


def open_incidents() -> table.Panel:
    """What is open."""
    panel = kinds.rows(
        {
            "Severity": [*style.coloured_text(style.SEVERITIES), *style.width_of(90)],
            "Number": style.width_of(80),
            "Incident": style.wrapped(),
            "Age": [*style.unit_of("h"), *style.width_of(100)],
            "Check": style.width_of(140),
            "Occurrences": style.width_of(110),
            "Issue": [*links.to_issue(), *style.width_of(70)],
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("runs/open_incidents"),
        title="Open incidents",
        description=(
            "What was wrong at the end of the time range, with its GitHub issue. Healthy: an empty table. The "
            "issue says what was tried and what to do, `ml-health explain` with the number how it came to be; it "
            "closes by itself when the checks have been well for some runs."
        ),
        unit="none",
        no_value="nothing is open",
        at=(0, 8, 15, 8),
    )


def escalations() -> timeseries.Panel:
    """How much is escalated."""
    return style.finish_panel(
        kinds.bars_over_time(kinds.DAILY, {"opened": style.STALE, "resolved": style.HEALTHY}),
        PanelQuery("runs/escalations", "time_series"),
        title="Incidents opened and resolved",
        description=(
            "Incidents by day. Healthy: few, and as many resolved as opened. Many opened in a day: look for one "
            "cause behind them before working through them one by one."
        ),
        unit="short",
        no_value="no incidents in this time range",
        at=(15, 8, 9, 8),
    )


def not_done() -> table.Panel:
    """What was not done, and why."""
    panel = kinds.rows(
        {
            "Outcome": [*style.coloured_text(style.OUTCOMES), *style.width_of(110)],
            "Task": style.width_of(140),
            "Runs": style.width_of(70),
            "Reason": style.wrapped(),
            "Last": [*style.unit_of("dateTimeAsIso"), *style.width_of(190)],
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("runs/not_done"),
        title="Work not done, and why",
        description=(
            "Runs that were skipped, failed or did only a part, by reason. Healthy: skipped ones with a plain "
            "reason, such as nothing to do. Failed or partial: the reason names the series; the runbook of its "
            "check says what to do."
        ),
        unit="none",
        no_value="everything was done",
        at=(0, 16, 14, 8),
    )


def missed_slots() -> table.Panel:
    """Whether runs are missing."""
    panel = kinds.rows(
        {
            "Runs": style.width_of(70),
            "Missed slots": [
                *style.steps_of((1, style.STALE), (10, style.FAILED), coloured_text=True),
                *style.width_of(110),
            ],
            "Longest gap": [*style.unit_of("s"), *style.width_of(110)],
            "Newest slot": [*style.unit_of("dateTimeAsIso"), *style.width_of(170)],
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("runs/missed_slots"),
        title="Missed slots",
        description=(
            "Slots without a run up to the end of the time range, by each task's usual distance between slots: choose "
            "three days or more to see daily tasks. Healthy: zero, but for times in which the machine was off. "
            "Otherwise look at the scheduler or the host: `ml-health doctor`."
        ),
        unit="none",
        no_value="too few runs in this time range",
        at=(14, 16, 10, 8),
    )


def run_steps() -> table.Panel:
    """The steps of one run."""
    panel = kinds.rows(
        {
            "Task": style.width_of(110),
            "Device": [*links.to_device(metric=True), *style.width_of(120)],
            "Metric": style.width_of(110),
            "Reason": style.wrapped(),
            "Outcome": [*style.coloured_text(style.OUTCOMES), *style.width_of(100)],
            "When": [*style.unit_of("dateTimeAsIso"), *style.width_of(170)],
            "Tenant": style.hidden(),
        }
    )
    return style.finish_panel(
        panel,
        PanelQuery("runs/run_steps"),
        title="Steps of the chosen run",
        description=(
            "What the run chosen above did to each series, failures first. Healthy: all succeeded. Each failure "
            "has its reason; one series' failure never stops the run. Tasks that work on no single series have "
            "no steps."
        ),
        unit="none",
        no_value="this run worked on no single series",
        at=(0, 24, 17, 9),
    )


def run_figures() -> table.Panel:
    """What one run told of itself."""
    return style.finish_panel(
        kinds.rows({}),
        PanelQuery("runs/run_figures"),
        title="Figures of the chosen run",
        description=(
            "What the run chosen above counted. Healthy: nothing failed. Figures that are far from those of the "
            "run before: compare the two in the drop-down above."
        ),
        unit="short",
        no_value="this run told no figures",
        at=(17, 24, 7, 9),
    )


def actions() -> barchart.Panel:
    """What was done to models."""
    return style.finish_panel(
        kinds.bars("Action", level=True),
        PanelQuery("runs/actions"),
        title="Actions on models",
        description=(
            "What was done to models in this time range, by kind and cause. Healthy: mostly trained and "
            "promoted because of age. Many quarantined: look at the artifact store; many rolled back: at the "
            "gate."
        ),
        unit="short",
        no_value="nothing was done to models",
        at=(0, 33, 8, 9),
    )


def outcomes_by_task() -> barchart.Panel:
    """Tasks by how their runs ended."""
    return style.finish_panel(
        kinds.bars("Task", stacked=COLUMNS_BY_OUTCOME, level=True),
        PanelQuery("runs/outcomes_by_task"),
        title="Outcomes by task",
        description=(
            "Runs of each task by how they ended. Healthy: green and blue. A task with red or yellow: choose it "
            "above and read the table of work not done."
        ),
        unit="short",
        no_value="no runs in this time range",
        at=(8, 33, 8, 9),
    )


def bytes_freed() -> timeseries.Panel:
    """What the purge gives back."""
    return style.finish_panel(
        kinds.bars_over_time(kinds.DAILY, {"bytes freed": style.NEUTRAL}),
        PanelQuery("runs/bytes_freed", "time_series"),
        title="Bytes freed by the purge",
        description=(
            "Bytes of old model files that were removed for good. Healthy: a little every day once versions are "
            "old enough. Zero for weeks while the store grows: look at the last ml_purge run, which may ask for "
            "confirmation."
        ),
        unit="bytes",
        no_value="no purge in this time range",
        at=(16, 33, 8, 9),
    )
