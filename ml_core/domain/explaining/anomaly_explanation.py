"""Why a reading was flagged or not, by which model, and what came of it."""

from __future__ import annotations

from ml_core.domain.explaining.evidence import AnomalyTrail, PastAlert
from ml_core.domain.explaining.explanation import Explanation, ExplanationStep, figures_of
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.scoring.anomaly import Anomaly


def explain_anomaly(anomaly: Anomaly, trail: AnomalyTrail, version: ModelVersion | None) -> Explanation:
    """Why a reading was flagged or not, by which model, and what came of it."""
    answer = "an anomaly" if anomaly.is_anomaly else "normal"
    steps = (
        _reading(anomaly, trail),
        None if version is None else _asked_model(version),
        _score(anomaly, trail),
        _own_reason(trail),
        _episode(trail),
        _device(trail),
        *(_alert(alert) for alert in trail.alerts),
        *(
            ExplanationStep(
                what="verdict",
                outcome=said.verdict.replace("_", " "),
                why=f"said by {said.given_by}" + (f": {said.note}" if said.note else ""),
                at=said.given_at,
            )
            for said in trail.verdicts
        ),
    )
    told = ", and nobody has judged it" if anomaly.is_anomaly and not trail.verdicts else ""
    return Explanation(
        subject=f"{anomaly.key} at {anomaly.timestamp:%Y-%m-%d %H:%M:%S}Z",
        answer=answer + told,
        steps=tuple(step for step in steps if step is not None),
    )


def _reading(anomaly: Anomaly, trail: AnomalyTrail) -> ExplanationStep:
    seen = "" if trail.detected_at is None else f", looked at {trail.detected_at:%Y-%m-%d %H:%M:%S}Z"
    return ExplanationStep(
        what="reading",
        why=f"{'no value' if anomaly.value is None else f'{anomaly.value:.6g}'} of {anomaly.key}{seen}",
        at=anomaly.timestamp,
        figures=figures_of(value=anomaly.value),
    )


def _asked_model(version: ModelVersion) -> ExplanationStep:
    return ExplanationStep(
        what="model",
        outcome=f"version {version.version}",
        why=f"{version.kind}, now {version.status.value}; `ml-health explain {version.model_id}` tells how it came",
        at=version.trained_at,
        figures=figures_of(
            threshold=version.metadata.get("alarm_threshold", version.metadata.get("threshold")),
            target_alarm_rate=version.target_alarm_rate,
        ),
    )


def _score(anomaly: Anomaly, trail: AnomalyTrail) -> ExplanationStep:
    parts = [f"score {anomaly.score:.4g}, below 0 is an anomaly" if anomaly.score is not None else "no score is kept"]
    if anomaly.band_low is not None or anomaly.band_high is not None:
        low = "any" if anomaly.band_low is None else f"{anomaly.band_low:.6g}"
        high = "any" if anomaly.band_high is None else f"{anomaly.band_high:.6g}"
        parts.append(f"expected {low} to {high}")
    if anomaly.severity:
        parts.append(f"{anomaly.severity:.3g} robust standard deviations outside")
    if trail.confidence is not None:
        parts.append(f"a normal reading is less strange with probability {trail.confidence:.6g}")
    return ExplanationStep(
        what="score",
        outcome="anomaly" if anomaly.is_anomaly else "normal",
        why="; ".join(parts),
        figures=figures_of(
            score=anomaly.score,
            frozen_score=trail.frozen_score,
            band_low=anomaly.band_low,
            band_high=anomaly.band_high,
            severity=anomaly.severity,
            confidence=trail.confidence,
        ),
    )


def _own_reason(trail: AnomalyTrail) -> ExplanationStep | None:
    if not trail.reason:
        return None
    words = trail.reason.get("text")
    return ExplanationStep(
        what="the detector's own reason",
        why=words if isinstance(words, str) else ", ".join(f"{name} {value}" for name, value in trail.reason.items()),
        figures={name: value for name, value in trail.reason.items() if name != "text"},
    )


def _episode(trail: AnomalyTrail) -> ExplanationStep | None:
    episode = trail.episode
    if episode is None:
        return None
    end = "still open" if episode.closed_at is None else f"closed {episode.closed_at:%Y-%m-%d %H:%M:%S}Z"
    return ExplanationStep(
        what=f"episode {episode.episode_id}",
        outcome=end,
        why=f"one of {episode.alarms} alarms told together; the worst value was {episode.peak_value:.6g}",
        at=episode.opened_at,
        figures=figures_of(alarms=episode.alarms, peak_value=episode.peak_value),
    )


def _device(trail: AnomalyTrail) -> ExplanationStep | None:
    device = trail.device
    if device is None:
        return None
    beside = "" if len(device.metrics) == 1 else f" (alarms of {', '.join(device.metrics)} are told together)"
    return ExplanationStep(
        what="the device's other metrics",
        outcome=device.judgement,
        why=device.words + beside,
        figures={name: figure for name, figure in device.evidence.items() if name in ("moved", "agreeing")},
    )


def _alert(alert: PastAlert) -> ExplanationStep:
    if alert.skipped_reason is not None:
        outcome, why = "spared", alert.skipped_reason
    elif alert.told_at is not None:
        outcome, why = "told", f"at {alert.told_at:%Y-%m-%d %H:%M:%S}Z; no snooze or maintenance spared it"
    else:
        outcome, why = "not told", "no snooze or maintenance spared it, but no channel has taken it"
    return ExplanationStep(what=f"alert: {alert.kind}", outcome=outcome, why=why, at=alert.happened_at)
