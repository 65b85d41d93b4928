"""Episodes of devices as rows, with their evidence and alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ml_core.domain.devices.device_episode import DeviceEpisode
from ml_core.domain.devices.device_evidence import DeviceEvidence


def device_rows(devices: Sequence[DeviceEpisode]) -> Iterator[Mapping[str, Any]]:
    """One row each, in order; `id` None of those that are new."""
    for place, device in enumerate(devices):
        yield {
            "place": place,
            "id": device.stored.device_episode_id,
            "tenant_id": device.device.tenant,
            "device_id": device.device.device,
            "metrics": device.metrics,
            "opened_at": device.opened_at,
            "last_alarm_at": device.last_alarm_at,
            "closed_at": device.closed_at,
            "alarms": device.alarms,
            "is_judged": device.evidence is not None,
            "judgement": device.judgement,
            "suspect": device.suspect,
            "words": device.words,
            "evidence": {} if device.evidence is None else _evidence(device.evidence),
            "is_settled": device.is_settled,
            "told_judgement": device.told_judgement,
            "alerted_at": device.alerted_at,
            "is_heard": device.is_heard,
        }


def alert_rows(devices: Sequence[DeviceEpisode], numbers: Sequence[int]) -> list[Mapping[str, Any]]:
    """One row an alert, named by the episode of the metric that began."""
    return [
        {
            "episode_id": device.members[0].episode.episode_id,
            "series_id": device.members[0].series_id,
            "kind": alert.kind,
            "happened_at": alert.happened_at,
            "alarms": alert.episode.alarms,
            "peak_score": alert.episode.peak_score,
            "peak_value": alert.episode.peak_value,
            "peak_at": alert.episode.peak_at,
            "skipped_reason": alert.skipped_reason,
            "device": {"id": number, **device.to_news()},
        }
        for device, number in zip(devices, numbers, strict=True)
        for alert in device.alerts
    ]


def _evidence(evidence: DeviceEvidence) -> Mapping[str, Any]:
    return {
        "lead": evidence.lead,
        "reason": evidence.reason,
        "moved": [asdict(move) for move in evidence.moved],
        "agreeing": [asdict(agreement) for agreement in evidence.agreeing],
    }
