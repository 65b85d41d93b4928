"""What a model may learn from: which readings, whether they are sound, and which of them are kept as gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.degradation.drift import ks_effective, wasserstein_in_iqr
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.series_profile import flat_run_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENSOR_CHECKS = (CheckName.FLATLINE, CheckName.UNIT_CHANGE, CheckName.OUT_OF_RANGE)
"""Findings about the sensor: from where they begin, readings are never trained on."""


def group_findings(findings: Iterable[Finding]) -> Mapping[int, Sequence[Finding]]:
    """Findings by their series; those of the fleet itself are left out."""
    grouped: defaultdict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.series_id is not None:
            grouped[finding.series_id].append(finding)
    return grouped


def sound_until(findings: Iterable[Finding], now: datetime) -> datetime:
    """The moment up to which readings may be trained on: where the first open sensor finding began, else now."""
    return min((_began(finding) for finding in findings if finding.check in SENSOR_CHECKS), default=now)


def _began(finding: Finding) -> datetime:
    """When the evidence says it began; a check sees a fault only after that."""
    told = finding.evidence.get("since")
    try:
        since = datetime.fromisoformat(told) if isinstance(told, str) else finding.opened_at
    except ValueError:
        return finding.opened_at
    return min(since, finding.opened_at) if since.tzinfo else finding.opened_at


def leave_out(readings: Readings, severities: NDArray[np.float64], most: float) -> Readings:
    """The readings without those that the champion saw further outside of its band than `most`.

    A few true anomalies in a window would otherwise teach the next model that they are normal; what lies
    just beyond the band stays in, since leaving that out would narrow the band with each generation.
    """
    kept = severities <= most
    return Readings(timestamps=readings.timestamps[kept], values=readings.values[kept])


def choose_gold(training: Readings, scores: NDArray[np.float64], size: int) -> Readings:
    """The gold window: readings that the new model calls normal, in order, evenly thinned to `size`."""
    clean = np.flatnonzero(scores >= 0)
    if clean.size > size:
        clean = clean[np.linspace(0, clean.size - 1, size).round().astype(np.int64)]
    return Readings(timestamps=training.timestamps[clean], values=training.values[clean])


def check_stable(window: Readings, policy: GatePolicy) -> GateCheck:
    """Whether the first and the second half of a window are alike: a series that still moves is not learned."""
    half = len(window) // 2
    first, second = (
        replace(window, timestamps=window.timestamps[part], values=window.values[part])
        for part in (slice(0, half), slice(half, None))
    )
    drift = ks_effective(first.values, second.values)
    effect = wasserstein_in_iqr(first.values, second.values)
    return GateCheck(
        name="stable among themselves",
        passed=drift.p_value >= policy.min_drift_p or effect < policy.min_drift_effect,
        value=drift.p_value,
        threshold=policy.min_drift_p,
        reason=f"between the halves of the last days p is {drift.p_value:.2g} and the values lie {effect:.2f} "
        "of an IQR apart",
    )


def check_not_stuck(fresh: Readings, champion_flat_run: int | None, policy: GatePolicy) -> GateCheck:
    """G3: no run of equal readings far longer than what was usual when the champion learned."""
    longest = int(flat_run_lengths(fresh.values).max(initial=0))
    most = max(policy.min_flat_readings, round(policy.max_flat_ratio * (champion_flat_run or 0)))
    return GateCheck(
        name="G3 not stuck",
        passed=longest <= most,
        value=longest,
        threshold=most,
        reason=f"{longest} equal readings in a row among the new ones, {most} are accepted",
    )
