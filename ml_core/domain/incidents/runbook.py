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
    unit: str = ""
    """Of the check's value and threshold."""
    acceptable: str = ""
    """When `ml-health accept-drift` may make it the new normal; empty where it never may."""
    from_when_found: bool = False
    """Whether what came before it was found must not be learned with it."""
    fixable: bool = False
    """Whether the plugin can try something by itself when a host asks it to."""


CHECKS: Mapping[str, CheckWords] = {
    "artifact": CheckWords(
        title="Model file missing or damaged",
        advice="Nothing, where the series is being retrained; else look at the artifact store's disk.",
        fixable=True,
    ),
    "age": CheckWords(
        title="Model too old", unit="days", advice="Look at why retraining did not happen or was refused.", fixable=True
    ),
    "lag": CheckWords(
        title="No data", unit="s", advice="Look at the device, its gateway and the way into the database."
    ),
    "coverage": CheckWords(
        title="Readings missing", unit="share", advice="Look at the device's link; part of its readings is lost."
    ),
    "flatline": CheckWords(title="Sensor stuck", unit="readings", advice="Look at the sensor: it repeats one value."),
    "out_of_range": CheckWords(
        title="Readings outside of the training range",
        unit="share",
        advice="Look at whether the machine, its setting or its sensor changed.",
    ),
    "unit_change": CheckWords(
        title="Unit changed",
        advice="Look at the gateway's unit, and mend it.",
        acceptable="the new unit is meant",
        from_when_found=True,
    ),
    "alarm_rate": CheckWords(
        title="Too many alarms",
        unit="times the expected",
        advice="Look at the machine first; if it is well, say so by verdicts and retrain.",
    ),
    "scoring_stalled": CheckWords(
        title="Scoring stalled",
        unit="s",
        advice="Look at the runs of ml_score: readings arrive and are not scored.",
        fixable=True,
    ),
    "training_failures": CheckWords(
        title="Training fails", unit="in a row", advice="Look at the reason in the evidence.", fixable=True
    ),
    "latency": CheckWords(title="Scoring is slow", unit="ms", advice="Look at the load of the machine that scores."),
    "accuracy": CheckWords(
        title="Accuracy is low", unit="share", advice="Look at the verdicts given; retrain on clean data."
    ),
    "false_positive_rate": CheckWords(
        title="Too many false alarms",
        unit="share",
        advice="Look at the verdicts given; lower the target alarm rate or retrain.",
    ),
    "drift": CheckWords(
        title="Model degraded: its readings have drifted",
        advice="Look at whether the machine changed on purpose; the challenger is tried by itself.",
        acceptable="the machine changed on purpose",
        fixable=True,
    ),
    "common_mode_drift": CheckWords(
        title="Many models drift together",
        unit="series",
        advice="Look for one cause: weather, load, a gateway, a new firmware.",
    ),
    "drift_canary": CheckWords(
        title="Drift test cries wolf",
        unit="share",
        advice="Look at what changed in many training windows at once; raise drift.usual_ratio if they are rightly so.",
    ),
    "retrain_rejected": CheckWords(
        title="Retrained model refused",
        unit="days",
        advice="Read which step of the gate refused and why; the old model serves on.",
        acceptable="the machine changed on purpose",
    ),
    "store_size": CheckWords(
        title="Artifact store is large", unit="bytes", advice="Look at the retention settings and ml_purge."
    ),
    "heartbeat": CheckWords(
        title="Daily check did not run", unit="h", advice="Look at the scheduler or the host.", fixable=True
    ),
    "issue_tracker": CheckWords(
        title="Issues cannot be filed", advice="Look at the token, its permission and the repository's name."
    ),
}


def runbook_of(check: str) -> str:
    """Where the runbook of a check stands."""
    return f"{DOCS_URL}/runbooks/{check}.md"
