"""What each check is called, what to do when it fails, and where its runbook stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DOCS_URL = "https://github.com/iiot-ml-health/iiot-ml-health/tree/main/docs"


@dataclass(frozen=True, kw_only=True)
class CheckWords:
    """A check in words for people."""

    title: str
    advice: str
    fixable: bool = False
    """Whether the plugin can try something by itself when a host asks it to."""
    command: str = ""
    """What a person types where it is meant to be so; SERIES stands for the series."""


ACCEPT = 'ml-health accept-drift SERIES --reason "why"'


CHECKS: Mapping[str, CheckWords] = {
    "artifact": CheckWords(
        title="Model file missing or damaged",
        advice="Nothing, where the series is being retrained; else look at the artifact store's disk.",
        fixable=True,
    ),
    "age": CheckWords(
        title="Model too old", advice="Look at why retraining did not happen or was refused.", fixable=True
    ),
    "lag": CheckWords(title="No data", advice="Look at the device, its gateway and the way into the database."),
    "coverage": CheckWords(title="Readings missing", advice="Look at the device's link; part of its readings is lost."),
    "flatline": CheckWords(title="Sensor stuck", advice="Look at the sensor: it repeats one value."),
    "out_of_range": CheckWords(
        title="Readings outside of the training range",
        advice="Look at whether the machine, its setting or its sensor changed.",
    ),
    "unit_change": CheckWords(
        title="Unit changed",
        advice="Look at the gateway's unit, and mend it. If the new unit is meant:",
        command=f"{ACCEPT} --since MOMENT",
    ),
    "alarm_rate": CheckWords(
        title="Too many alarms", advice="Look at the machine first; if it is well, say so by verdicts and retrain."
    ),
    "scoring_stalled": CheckWords(
        title="Scoring stalled",
        advice="Look at the runs of ml_score: readings arrive and are not scored.",
        fixable=True,
    ),
    "training_failures": CheckWords(title="Training fails", advice="Look at the reason below.", fixable=True),
    "latency": CheckWords(title="Scoring is slow", advice="Look at the load of the machine that scores."),
    "accuracy": CheckWords(title="Accuracy is low", advice="Look at the verdicts given; retrain on clean data."),
    "false_positive_rate": CheckWords(
        title="Too many false alarms", advice="Look at the verdicts given; lower the target alarm rate or retrain."
    ),
    "drift": CheckWords(
        title="Model degraded by drift",
        advice="Look at the machine: what moved, and since when? A fault is mended there. If it changed on purpose:",
        fixable=True,
        command=ACCEPT,
    ),
    "common_mode_drift": CheckWords(
        title="Many models drift together", advice="Look for one cause: weather, load, a gateway, a new firmware."
    ),
    "drift_canary": CheckWords(
        title="Drift test cries wolf",
        advice="Look at what changed in many training windows at once; raise drift.usual_ratio if they are rightly so.",
    ),
    "retrain_rejected": CheckWords(
        title="Retrained model refused",
        advice="Read below which step of the gate refused and why; the old model serves on. If the machine changed on "
        "purpose:",
        command=ACCEPT,
    ),
    "store_size": CheckWords(title="Artifact store is large", advice="Look at the retention settings and ml_purge."),
    "heartbeat": CheckWords(title="Daily check did not run", advice="Look at the scheduler or the host.", fixable=True),
    "issue_tracker": CheckWords(
        title="Issues cannot be filed", advice="Look at the token, its permission and the repository's name."
    ),
}


def runbook_of(check: str) -> str:
    """Where the runbook of a check stands."""
    return f"{DOCS_URL}/runbooks/{check}.md"
