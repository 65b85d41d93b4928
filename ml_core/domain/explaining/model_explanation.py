"""Why a model version was made, what the gate asked of it, and how it does since."""

from __future__ import annotations

from ml_core.domain.explaining.evidence import ModelTrail
from ml_core.domain.explaining.explanation import (
    Explanation,
    ExplanationStep,
    figures_of,
    in_order,
    tell_check,
    tell_event,
    tell_finding,
)
from ml_core.domain.model_version import ModelVersion


def explain_model(series: str, version: ModelVersion, trail: ModelTrail) -> Explanation:
    """Why a version was made, what the gate asked of it, and how it does since."""
    since = in_order(
        *(step for event in trail.events for step in tell_event(event)),
        *(tell_check(check) for check in trail.checks),
        *(tell_finding(finding) for finding in trail.findings),
    )
    steps = (_training(version), _threshold(version), *since)
    because = f": {version.outcome_reason}" if version.outcome_reason else ""
    pinned = ", pinned" if version.pinned else ""
    return Explanation(
        subject=f"version {version.version} of {series}",
        answer=f"{version.status.value}{pinned}{because}",
        steps=tuple(step for step in steps if step is not None),
    )


def _training(version: ModelVersion) -> ExplanationStep:
    metadata = version.metadata
    span = (
        f" from {version.training_from:%Y-%m-%d %H:%M}Z to {version.training_to:%Y-%m-%d %H:%M}Z"
        if version.training_from and version.training_to
        else ""
    )
    return ExplanationStep(
        what="trained",
        outcome=version.cause,
        why=f"{version.kind} on {version.training_samples or 'an unknown number of'} readings{span}",
        at=version.trained_at,
        figures=figures_of(
            readings=version.training_samples,
            dropped=metadata.get("dropped"),
            outliers_left_out=metadata.get("n_outliers"),
            value_min=metadata.get("value_min"),
            value_max=metadata.get("value_max"),
            median_interval_s=metadata.get("median_interval_s"),
        ),
    )


def _threshold(version: ModelVersion) -> ExplanationStep | None:
    metadata = version.metadata
    threshold = metadata.get("alarm_threshold", metadata.get("threshold"))
    if threshold is None:
        return None
    asked = version.target_alarm_rate
    how = "by its budget of false alarms" if "alarm_threshold" in metadata else "on held-out readings"
    how += f", for one alarm in {1 / asked:,.0f} readings" if asked else ""
    return ExplanationStep(
        what="threshold",
        why=f"set {how}",
        figures=figures_of(
            threshold=threshold,
            target_alarm_rate=asked,
            held_out=metadata.get("n_held_out"),
            band_low=metadata.get("band_low"),
            band_high=metadata.get("band_high"),
        ),
    )
