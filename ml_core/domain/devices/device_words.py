"""What is told of a device's metrics: which moved together, and whether the machine or a sensor is suspected."""

from __future__ import annotations

from collections.abc import Sequence

from ml_core.domain.devices.device_evidence import Agreement, DeviceEvidence, Direction, Movement, Reason
from ml_core.domain.devices.metric_moves import FAR

TOLD = 5
"""Metrics named in one sentence; the rest are counted."""
NOBODY_CAN_TELL = "machine or sensor, nobody can tell"
MACHINE = "a change of the machine"


def tell_device(evidence: DeviceEvidence) -> str:
    """One sentence: what moved, who usually agrees, and what that comes to."""
    moved = _tell_partners([it for it in evidence.agreeing if it.moved])
    stayed = _tell_partners([it for it in evidence.agreeing if not it.moved])
    others = _list([it.metric for it in evidence.moved if it.metric != evidence.lead])
    beside = f", and {others} at once" if others else ""
    endings = {
        Reason.AS_USUAL: f", and with it {moved}, as usual: {MACHINE}",
        Reason.NOT_AS_USUAL: f", and with it {moved}, but not by as much as usual: {MACHINE}",
        Reason.BY_THEMSELVES: f", and {others} at once, though they do not usually: {MACHINE}",
        Reason.LEFT_RELATION: f" while {stayed}, usually in agreement with it, did not: suspect the sensor",
        Reason.SPLIT: f", and with it {moved}, but not {stayed}: {NOBODY_CAN_TELL}",
        Reason.CONTRADICTED: f"{beside}, but not {stayed}, usually in agreement with it: {NOBODY_CAN_TELL}",
        Reason.ONE_WITNESS: f", {stayed}, usually in agreement with it, not yet: perhaps the sensor, it is too early",
        Reason.NO_PARTNER: f"{beside}; no metric that could tell usually agrees with it: {NOBODY_CAN_TELL}",
        Reason.TOO_SMALL: f", not far enough to be held against {stayed}, usually in agreement with it",
        Reason.TOO_LITTLE: "; there is too little before it to know which metrics usually agree with it",
    }
    return _tell_lead(evidence) + endings[evidence.reason]


def _tell_lead(evidence: DeviceEvidence) -> str:
    lead = next((move for move in evidence.moved if move.metric == evidence.lead), None)
    return f"{evidence.lead} alarmed" if lead is None else f"{lead.metric} {_tell_move(lead)}"


def _tell_move(move: Movement) -> str:
    if move.direction is Direction.STILL:
        return "stands still"
    if move.direction is Direction.RESTLESS:
        return "became restless"
    if abs(move.sd) >= FAR:
        return f"moved {move.direction.value} from where it always was"
    return f"moved {abs(move.sd):.1f} sd {move.direction.value}"


def _tell_partners(agreements: Sequence[Agreement]) -> str:
    return _list([f"{it.metric} (r {it.r:.2f}, n {it.n_effective:.0f})" for it in agreements])


def _list(names: Sequence[str]) -> str:
    told = list(names[:TOLD])
    if len(names) > TOLD:
        told.append(f"{len(names) - TOLD} others")
    return told[0] if len(told) == 1 else " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))
