"""The adaptive detector behind the platform's seam: alarms that follow the series, beside the frozen reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.detectors.adaptive.budget import FalseAlarmBudget, own_correction, tail_probability, threshold_for
from ml_core.domain.detectors.adaptive.fleet import advance_fleet
from ml_core.domain.detectors.adaptive.layout import decode_state, encode_states, new_state
from ml_core.domain.detectors.adaptive.traces import Traces
from ml_core.domain.detectors.adaptive.words import Explainer
from ml_core.domain.detectors.detector import EMPTY_STATE, Ask, FitOptions, ModelArtifact
from ml_core.domain.detectors.isolation_detector import IsolationForestDetector
from ml_core.domain.detectors.nonconformity import MAX_DISTANCE_SD
from ml_core.domain.detectors.scored_readings import ScoredReadings
from ml_core.errors import ArtifactDamagedError, DetectorStateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings

GAP_INTERVALS = 20
"""Median intervals without a reading after which the next one is not held against the one before."""

MOST_AT_ONCE = 250_000
"""Readings of a call, beyond which a backlog goes to more of them: each takes some 300 bytes while it lasts."""

LEAST_MARGIN = 1e-9


class AdaptiveDetector:
    """Alarms where the mean evidence of many features has an onset over the threshold (docs/detection.md).

    Its artifact holds the frozen reference of the same readings too, which tells health and drift. A version's first
    state is what its training readings left behind, so that it speaks from the first reading on.
    """

    kind = "adaptive"

    def fit(self, readings: Readings, options: FitOptions) -> ModelArtifact:
        """Learn from clean readings; raises InsufficientDataError or UnmodellableSeriesError."""
        frozen = IsolationForestDetector().fit(readings, options)
        interval_s = readings.median_interval_s() or 0.0
        bucket_s = options.aggregate_below_s if 0 < interval_s < options.aggregate_below_s else 0.0
        interval_s = max(interval_s, bucket_s)
        state = _cold_state(frozen.metadata, interval_s=interval_s, bucket_s=bucket_s)
        # What the frozen reference leaves out as grossly outlying is no more than its edge here: seen, not learned.
        learned_values = np.clip(readings.values, frozen.metadata["value_min"], frozen.metadata["value_max"])
        traces = advance_fleet(state, [len(readings)], readings.timestamps, learned_values, timezone=options.timezone)
        rate = FalseAlarmBudget.parse(options.false_alarm_budget).rate(interval_s or None)
        half = len(readings) // 2
        correction = own_correction(traces.scores[half:], traces.onsets[half:])
        own = {
            "alarm_threshold": threshold_for(rate) + correction,
            "alarm_rate": rate,
            "false_alarm_budget": options.false_alarm_budget,
            "timezone": options.timezone,
            "alarm_interval_s": interval_s,
            "aggregated_over_s": bucket_s,
        }
        return ModelArtifact(
            kind=self.kind,
            arrays={**frozen.arrays, "first_state": np.frombuffer(encode_states(state), dtype=np.uint8)},
            metadata={**frozen.metadata, **own},
        )

    def update(self, artifact: ModelArtifact, state: bytes, batch: Readings) -> tuple[ScoredReadings, bytes]:
        """Score `batch` in order; DetectorStateError where the state is none of this version."""
        record = _open_state(artifact, state, batch)
        zone = str(artifact.metadata["timezone"])
        traces = advance_fleet(record, [len(batch)], batch.timestamps, batch.values, timezone=zone)
        return answer(_threshold(artifact), record, batch, traces), encode_states(record)

    def update_fleet(self, asked: Sequence[Ask]) -> list[tuple[ScoredReadings, bytes]]:
        """What `update` says of each series, from few calls of compiled code."""
        records = [_open_state(*ask) for ask in asked]
        thresholds = [_threshold(artifact) for artifact, _, _ in asked]
        told: dict[int, tuple[ScoredReadings, bytes]] = {}
        for zone, chosen in _calls(asked):
            batches = [asked[i][2] for i in chosen]
            states = np.concatenate([records[i] for i in chosen])
            counts = np.array([len(batch) for batch in batches])
            traces = advance_fleet(
                states,
                counts,
                np.concatenate([batch.timestamps for batch in batches]),
                np.concatenate([batch.values for batch in batches]),
                timezone=zone,
            )
            ends = np.cumsum(counts)
            for place, i in enumerate(chosen):
                state = states[place : place + 1]
                mine = traces.part(slice(int(ends[place] - counts[place]), int(ends[place])))
                told[i] = answer(thresholds[i], state, batches[place], mine), encode_states(state)
        return [told[i] for i in range(len(asked))]


def _calls(asked: Sequence[Ask]) -> Iterator[tuple[str, list[int]]]:
    """Time zone and places of the series of each call: those of one zone, MOST_AT_ONCE readings or a single series."""
    zones = [str(artifact.metadata["timezone"]) for artifact, _, _ in asked]
    for zone in sorted(set(zones)):
        chosen: list[int] = []
        readings = 0
        for i in (i for i, name in enumerate(zones) if name == zone):
            if chosen and readings + len(asked[i][2]) > MOST_AT_ONCE:
                yield zone, chosen
                chosen, readings = [], 0
            chosen.append(i)
            readings += len(asked[i][2])
        yield zone, chosen


def answer(threshold: float, state: NDArray[Any], batch: Readings, traces: Traces) -> ScoredReadings:
    """The platform's answer to a batch from what was noted of each reading."""
    scale = float(state["scale"][0])
    explainer = Explainer(center=float(state["center"][0]), scale=scale, threshold=threshold)
    is_alarm = traces.onsets & (traces.scores >= threshold)
    low, high = traces.bands[:, 0], traces.bands[:, 1]
    with np.errstate(over="ignore"):
        outside = np.clip(np.maximum(low - batch.values, batch.values - high) / scale, 0.0, MAX_DISTANCE_SD)
    # An alarm is below zero even at the threshold itself, and what goes on after an onset is no new alarm.
    margin = threshold - traces.scores
    return ScoredReadings(
        timestamps=batch.timestamps,
        values=batch.values,
        scores=np.where(is_alarm, np.minimum(margin, -LEAST_MARGIN), np.maximum(margin, 0.0)),
        confidences=1.0 - tail_probability(traces.scores),
        severities=np.where(is_alarm, outside, 0.0),
        band_low=low,
        band_high=high,
        reasons={int(i): explainer.explain(traces, batch.values, int(i)) for i in np.flatnonzero(is_alarm)},
        holds=~is_alarm & (traces.held >= threshold / 2),
    )


def _cold_state(metadata: Mapping[str, Any], *, interval_s: float, bucket_s: float) -> NDArray[Any]:
    return new_state(
        center=float(metadata["median"]),
        scale=float(metadata["robust_sd"]),
        gap_us=int(GAP_INTERVALS * interval_s * 1e6),
        bucket_us=int(bucket_s * 1e6),
    )


def _open_state(artifact: ModelArtifact, state: bytes, batch: Readings) -> NDArray[Any]:
    """The state to go on from, a copy; without one, what the model's training left behind."""
    if state != EMPTY_STATE:
        return decode_state(state)
    told = artifact.metadata
    try:
        record = decode_state(artifact.arrays["first_state"].tobytes())
    except DetectorStateError:  # of another release, whose model serves on
        record = _cold_state(told, interval_s=told["alarm_interval_s"], bucket_s=told["aggregated_over_s"])
    if len(batch) and record["last_us"][0] >= _first_us(batch):
        # Readings that were trained on before they were scored: looked at in their order, not as late ones.
        record["last_us"], record["bucket_count"] = _first_us(batch) - 1, 0
    return record


def _first_us(batch: Readings) -> int:
    return int(batch.timestamps[0].astype("datetime64[us]").astype(np.int64))


def _threshold(artifact: ModelArtifact) -> float:
    threshold = artifact.metadata.get("alarm_threshold")
    if not isinstance(threshold, float) or not np.isfinite(threshold) or threshold <= 0:
        raise ArtifactDamagedError(f"alarm_threshold is {threshold!r}, not a number over 0; train the model again")
    return threshold
