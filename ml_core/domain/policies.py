"""Every number that a rule depends on, in one place: defaults, bounds and what each is for.

Each policy is a section of the settings; `help` stands above the key in the example configuration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from ml_core.domain.series import SeriesKey
from ml_core.errors import ConfigurationError

Share = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[float, Gt(0)]
Seconds = Annotated[float, Ge(0), Le(31_536_000)]
Hours = Annotated[float, Gt(0), Le(876_000)]
Days = Annotated[float, Gt(0), Le(36_500)]
"""Up to a century: more would lead out of the calendar."""
Count = Annotated[int, Ge(1)]


def setting(default: Any, help_text: str) -> Any:
    """A field with its default and the sentence that explains it."""
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, kw_only=True)
class TrainingPolicy:
    """What a model is trained on and by which kind of detector."""

    kind: str = setting("adaptive", "Kind of detector for every series that no pattern below names.")
    kind_by_pattern: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "Kinds by shell pattern of DEVICE:METRIC, the first match wins."},
    )
    window_days: Days = setting(28.0, "Days of readings before training that a model learns from.")
    max_learned_severity: Positive = setting(
        1.0, "Robust standard deviations outside of the champion's band from which a reading is not learned from."
    )
    max_failures: Count = setting(3, "Failed trainings in a row that open the circuit of a series.")
    max_refused_days: Days = setting(
        14.0, "Days for which retraining may be refused before that is critical and a person is asked."
    )
    circuit_hours: Hours = setting(24.0, "Hours for which an open circuit rests before it is tried again.")
    recheck_days: Days = setting(7.0, "Days after which a series that could not be modelled is looked at again.")
    series_per_batch: Count = setting(50, "Series whose readings are held in memory and trained together.")


@dataclass(frozen=True, kw_only=True)
class ScoringPolicy:
    """How new readings are scored."""

    lateness_s: Seconds = setting(
        600.0, "Seconds behind the newest scored reading within which late ones are still scored."
    )
    log_normal: bool = setting(False, "Whether normal readings are written to the anomaly log too.")
    series_per_batch: Count = setting(500, "Series scored and committed together.")
    max_days_per_run: Days = setting(14.0, "Days of backlog of one series that one run scores at most.")
    artifact_cache_mb: Count = setting(256, "Megabytes of models that a process keeps at hand between runs.")


@dataclass(frozen=True, kw_only=True)
class HealthPolicy:
    """Thresholds of the daily health check; D is a series' median interval in training."""

    stale_age_days: Days = setting(7.0, "Age of a model that warns.")
    failed_age_days: Days = setting(14.0, "Age of a model that fails.")
    lag_warn_intervals: Positive = setting(5.0, "Lag of the newest reading, in D, that warns.")
    lag_fail_intervals: Positive = setting(20.0, "Lag in D that fails: no data.")
    lag_fail_min_s: Positive = setting(3600.0, "Lag in seconds below which nothing fails.")
    coverage_warn: Share = setting(0.8, "Share of expected readings of a day below which coverage warns.")
    coverage_fail: Share = setting(0.5, "Share below which coverage fails.")
    live_hours: Hours = setting(24.0, "Hours of readings that the checks look at.")
    widened_days: Days = setting(7.0, "Days they look at, at most, where a series reads seldom.")
    min_live_readings: Count = setting(24, "Expected readings for which the look back is widened.")
    flatline_min_readings: Count = setting(30, "Equal readings in a row, at least, that count as stuck.")
    flatline_min_hours: Hours = setting(
        12.0, "Hours after which fewer equal readings count as stuck, where a series reads seldom."
    )
    flatline_sparse_readings: Count = setting(10, "Equal readings in a row, at least, that count after those hours.")
    flatline_run_ratio: Annotated[float, Ge(1)] = setting(
        2.0, "Length of a run of equal readings over training's 99.9th percentile that counts as stuck."
    )
    out_of_range_warn: Share = setting(0.01, "Share outside of the training range that warns.")
    out_of_range_fail: Share = setting(0.05, "Share outside of the training range that fails.")
    out_of_range_usual_ratio: Annotated[float, Ge(1)] = setting(
        1.5, "So many times the share that a day of training had outside of its other days' range is usual too."
    )
    out_of_range_far_ratio: Positive = setting(
        0.75, "Widths of the training range beyond it where readings count however slowly a series moves."
    )
    alarm_rate_warn_ratio: Positive = setting(3.0, "Alarm rate over the target rate that warns.")
    alarm_rate_fail_ratio: Positive = setting(10.0, "Alarm rate over the target rate that fails.")
    chance_level: Annotated[float, Gt(0), Lt(1)] = setting(
        0.01, "Probability by chance below which few alarms or few readings outside of the range count."
    )
    min_latency_calls: Count = setting(20, "Scoring calls below which no p95 is spoken of.")
    latency_warn_ms: Positive = setting(50.0, "p95 of scoring calls that warns.")
    latency_fail_ms: Positive = setting(100.0, "p95 of scoring calls that fails.")
    min_verdicts: Count = setting(20, "Verdicts of people below which no accuracy is spoken of.")
    verdict_days: Days = setting(30.0, "Days of people's verdicts that accuracy is told from.")
    accuracy_warn: Share = setting(0.9, "Accuracy below which a model warns.")
    false_positive_rate_warn: Share = setting(0.05, "False positive rate above which a model warns.")
    false_positive_rate_fail: Share = setting(0.10, "False positive rate above which a model fails.")
    store_warn_bytes: Count = setting(1_000_000_000, "Bytes of artifacts above which the store warns.")
    mass_loss_share: Share = setting(
        0.1, "Share of artifacts unreadable at once from which the store is suspected and no model is quarantined."
    )
    mass_loss_min: Count = setting(5, "Unreadable artifacts up to which the store is never suspected.")
    heartbeat_max_age_hours: Hours = setting(26.0, "Hours without a finished daily check that fail.")

    def __post_init__(self) -> None:
        if self.stale_age_days >= self.failed_age_days:
            raise ConfigurationError(
                f"stale_age_days is {self.stale_age_days:g}, it must be less than failed_age_days "
                f"({self.failed_age_days:g})"
            )


@dataclass(frozen=True, kw_only=True)
class DriftPolicy:
    """When a model counts as degraded."""

    live_hours: Hours = setting(24.0, "Hours of readings compared with the reference.")
    widened_days: Days = setting(7.0, "Days compared where a day says too little.")
    min_effective_readings: Positive = setting(50.0, "Effective sample size below which drift is unknown.")
    false_discovery_rate: Annotated[float, Gt(0), Lt(1)] = setting(
        0.05, "Share of false calls among drifted models that a run accepts (Benjamini-Hochberg)."
    )
    min_effect: Positive = setting(
        0.25, "Wasserstein distance of the values, in training IQRs, below which no drift counts."
    )
    min_score_effect: Share = setting(
        0.3, "Kolmogorov distance of the scores, from 0 to 1, below which no drift of them counts."
    )
    min_variability_effect: Positive = setting(
        0.2, "Absolute ln of the ratio of steps between readings, now and in training, below which it does not count."
    )
    usual_ratio: Annotated[float, Ge(1)] = setting(
        1.5, "An effect counts from so many times the largest between a part of training and the rest of it."
    )
    consecutive_checks: Count = setting(2, "Checks in a row that must say so.")
    common_mode_share: Share = setting(
        0.05, "Share of a metric's or site's models that drift together above which it is one cause, and no retrain."
    )
    common_mode_min: Count = setting(5, "Models that drift together, at least, for one common cause.")
    site_pattern: str = setting(
        "", "Regular expression whose first group is the site in a device's name; sites drift as a group too."
    )
    canary_models: Count = setting(
        1000, "Models a run whose training is tested against itself, to know how often the test cries wolf."
    )

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.site_pattern).groups
        except re.error as exc:
            raise ConfigurationError(f"site_pattern {self.site_pattern!r} is no regular expression: {exc}") from exc
        if self.site_pattern and groups == 0:
            raise ConfigurationError(f"site_pattern {self.site_pattern!r} needs a group in brackets that is the site")


@dataclass(frozen=True, kw_only=True)
class RetrainPolicy:
    """When a model is trained anew."""

    due_from_days: Days = setting(6.0, "Age from which a retrain may fall due, spread by series.")
    due_until_days: Days = setting(7.0, "Age by which it is due at the latest.")
    max_per_run: Count = setting(2000, "Models trained by one run at most, the oldest first.")
    after_degradation: Literal["shadow", "on", "off"] = setting(
        "shadow",
        "What confirmed degradation leads to: a challenger beside the champion, one at once, or an incident only.",
    )
    shadow_hours: Hours = setting(24.0, "Hours for which a challenger scores beside the champion.")
    max_shadow_hours: Hours = setting(72.0, "Hours after which a challenger without enough readings is given up.")
    max_rollback_alarm_ratio: Positive = setting(
        5.0, "Alarm rate of a model's first day over its champion's, at most: else the champion comes back."
    )


@dataclass(frozen=True, kw_only=True)
class GatePolicy:
    """What a challenger must show before it replaces the champion."""

    gold_readings: Count = setting(1000, "Readings kept as the gold window of a series.")
    max_alarm_ratio: Positive = setting(2.0, "Challenger's alarm rate on gold over the champion's, at most.")
    max_recall_loss: Share = setting(0.1, "Recall on injected faults that a challenger may lose.")
    max_chance: Share = setting(
        0.001, "Chance below which as many alarms on gold, at the target rate, are no longer put down to luck."
    )
    max_gold_alarm_share: Share = setting(
        0.1, "Share of gold that a challenger may call anomalous: gold may be more varied than the last weeks."
    )
    drift_distance: Share = setting(
        0.35, "Kolmogorov distance of a half of the new readings from gold that is always accepted."
    )
    drift_margin: Share = setting(
        0.25,
        "How much further from gold it may lie than parts of gold lie from the rest, where gold holds two such parts; "
        "a sixteenth of that where it holds eight.",
    )
    min_drift_p: Share = setting(
        0.01, "p-value of drift between the halves of a drifted series' new days, at least: else it still moves."
    )
    min_drift_effect: Positive = setting(
        0.2, "Wasserstein distance between those halves, in IQRs, below which it never counts as moving."
    )
    min_flat_readings: Count = setting(30, "Equal readings in a row, at least, that count as stuck.")
    max_flat_ratio: Positive = setting(3.0, "Longest run of equal readings over the champion's, at most.")
    min_rank_agreement: Share = setting(0.3, "Rank correlation of the two models' scores on gold, at least.")
    max_champion_alarm_ratio: Positive = setting(
        10.0, "Champion's alarm rate in the training window over its target, at most: else it was not quiet."
    )


@dataclass(frozen=True, kw_only=True)
class EscalationPolicy:
    """How findings become incidents, and incidents issues."""

    by: Literal["plugin", "host", "nobody"] = setting("plugin", "Who files issues: this plugin, the host, or nobody.")
    max_new_per_run: Count = setting(10, "Issues opened by one run at most.")
    max_new_per_day: Count = setting(30, "Issues opened in 24 hours at most.")
    comment_interval_hours: Hours = setting(4.0, "Hours between two comments on one issue, at least.")
    close_after_healthy_runs: Count = setting(3, "Healthy runs after which an issue is closed.")
    reopen_within_days: Days = setting(14.0, "Days after closing within which an issue is reopened.")
    settle_s: Seconds = setting(
        600.0, "Seconds before a call with unknown outcome is looked for: a tracker's lists lag minutes behind."
    )
    digest_from: Count = setting(5, "Devices with one check from which on one issue tells them all.")
    label: str = setting("ml-health", "Label on every issue; also what recovery searches for.")
    assignees: tuple[str, ...] = setting((), "Logins that a new issue is assigned to where no pattern below matches.")
    assignees_by_pattern: dict[str, list[str]] = field(
        default_factory=dict,
        metadata={
            "help": "Logins by shell pattern of CHECK/DEVICE, or CHECK/fleet of many devices; the first match wins."
        },
    )
    dashboard_url: str = setting("", "Address of Grafana, for links in issues.")


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """What is kept, and for how long."""

    retired_versions: Count = setting(3, "Retired versions of a series that are kept whatever their age.")
    retired_days: Days = setting(30.0, "Days for which any retired version is kept.")
    rejected_days: Days = setting(7.0, "Days for which rejected and quarantined versions are kept.")
    trash_days: Days = setting(7.0, "Days in the trash before an artifact is unlinked.")
    detection_days: Annotated[float, Ge(30), Le(36_500)] = setting(180.0, "Days of anomaly log that are kept.")
    run_days: Days = setting(90.0, "Days for which run items, check results and lines refused by imports are kept.")
    rollup_days: Days = setting(730.0, "Days for which hourly figures of scoring are kept.")
    min_blast_radius: Count = setting(20, "Models removed by one run that never need confirmation.")
    archive_url: str = setting("", "fsspec URL where expired detections are written as Parquet before they go.")


@dataclass(frozen=True, kw_only=True)
class DevicePolicy:
    """How alarms of one device's metrics are told together, and what is made of them."""

    group_metrics: bool = setting(
        True, "Whether overlapping episodes of a device's metrics are one, with one alert, and judged."
    )
    group_by_pattern: dict[str, bool] = field(
        default_factory=dict,
        metadata={"help": "The same by shell pattern of DEVICE:METRIC, the first match wins."},
    )
    join_within_s: Seconds = setting(
        900.0, "Seconds after the end of a device's episode in which another metric's still belongs to it."
    )
    window_days: Days = setting(
        7.0, "Days before an onset that tell what is usual; more where metrics read seldom, fewer where often."
    )
    agreement: Annotated[float, Gt(0), Lt(1)] = setting(
        0.6, "Rank correlation of changes from which two metrics of a device usually agree."
    )
    moved_sd: Positive = setting(4.0, "Robust standard deviations of its usual changes from which a metric moved.")
    rarity: Annotated[float, Gt(0), Lt(1)] = setting(
        0.02, "Share of stretches of the past that may have moved as much, at most."
    )

    def groups(self, key: SeriesKey) -> bool:
        """Whether episodes of this series are told with those of its device."""
        matching = (chosen for pattern, chosen in self.group_by_pattern.items() if fnmatchcase(str(key), pattern))
        return next(matching, self.group_metrics)


@dataclass(frozen=True, kw_only=True)
class AuditPolicy:
    """The random audit of readings that were not flagged."""

    hours_per_day: Count = setting(5, "Hours of unflagged readings drawn a day, in the whole fleet.")
    seed: str = setting("ml-health", "What the draw depends on; the same seed draws the same hours.")


@dataclass(frozen=True, kw_only=True)
class AlertPolicy:
    """What people are told of episodes of anomalies: one alert at the opening, few while they last, one at the end."""

    update_every_hours: Hours = setting(4.0, "Hours between two alerts of an episode that goes on, at least.")
    max_age_hours: Hours = setting(24.0, "Hours after which an alert that could not be told is not told any more.")
    log_path: str = setting(
        "", "File that alerts are appended to as lines of JSON; empty: `alerts.jsonl` in ML_HEALTH_HOME."
    )
