"""Whether a device changed or one of its sensors did, from what its other metrics did at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_core.domain.devices.device_evidence import Agreement, DeviceEvidence, Direction, Judgement, Movement, Reason
from ml_core.domain.devices.metric_grid import MOST_AFTER, MetricGrid, align
from ml_core.domain.devices.metric_moves import (
    FAR,
    LOOKS_BACK,
    SCALES,
    Moves,
    changes_of,
    measure_moves,
    robust_sd,
    spread_changes,
    without_days,
)
from ml_core.domain.devices.metric_relation import Relation, find_relations, leave_unexplained
from ml_core.domain.policies import DevicePolicy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_core.domain.series import Readings

LEAST_STRETCHES = 10
"""Stretches before the onset below which nothing is known of what is usual."""
BY_THEMSELVES = 2
"""Others that move at once, though they do not usually, from which chance is no answer."""
HALF = 0.5
USUALLY_STILL = 0.05
"""Share of stretches without any change from which a metric that stands still says as much as one that moves."""


def judge_device(
    readings: Mapping[str, Readings], *, alarms: Mapping[str, datetime], policy: DevicePolicy
) -> DeviceEvidence:
    """Judge alarms of one device, each metric's by its first, from the readings of all of its metrics around them.

    Scales, offsets and the order of the metrics make no difference, and what is read later changes the answer only
    within the cells that the grid looks ahead.
    """
    lead = min(alarms, key=lambda metric: (alarms[metric], metric))
    grid = align(readings, lead=lead, onset=alarms[lead])
    if grid is None:
        return DeviceEvidence(judgement=Judgement.UNKNOWN, reason=Reason.TOO_LITTLE, lead=lead)
    return _Case(grid=grid, lead=lead, alarms=alarms, policy=policy).judge()


class _Case:
    """One judgement in the making."""

    def __init__(self, *, grid: MetricGrid, lead: str, alarms: Mapping[str, datetime], policy: DevicePolicy) -> None:
        self._grid, self._name, self._policy = grid, lead, policy
        self._lead = grid.metrics.index(lead)
        values = without_days(grid.values, grid.onset - LOOKS_BACK, step_s=grid.step_s)
        self._changes = changes_of(values)
        spreads = spread_changes(grid.values, grid.onset)
        self._moves = measure_moves(np.concatenate([self._changes, spreads[None]]), grid.onset)
        end_s = grid.step_s * (grid.after + 1)
        self._alarmed = {metric for metric, at in alarms.items() if (at - alarms[lead]).total_seconds() < end_s} & set(
            grid.metrics
        )

    def judge(self) -> DeviceEvidence:
        """Who moved, who usually agrees, and what that comes to."""
        if self._moves.stretches < LEAST_STRETCHES:
            return self._conclude(Judgement.UNKNOWN, Reason.TOO_LITTLE, [], [])
        moved = [metric for metric in range(len(self._grid.metrics)) if self._has_moved(metric)]
        first = self._moves.first
        relations = find_relations(self._changes[:, :, :first], self._lead, agreement=self._policy.agreement)
        partners = [it for it in relations if self._can_testify(it.metric, has_moved=it.metric in moved)]
        return self._conclude(*self._weigh(moved, partners), moved, partners)

    def _weigh(self, moved: Sequence[int], partners: Sequence[Relation]) -> tuple[Judgement, Reason]:
        agreed = sum(partner.metric in moved for partner in partners)
        others = sum(metric != self._lead for metric in moved)
        if agreed:
            return self._weigh_moved(partners, share=agreed / len(partners))
        if others >= BY_THEMSELVES:
            return (Judgement.UNKNOWN, Reason.CONTRADICTED) if partners else (Judgement.MACHINE, Reason.BY_THEMSELVES)
        if not partners:
            return Judgement.UNKNOWN, Reason.NO_PARTNER
        if not self._is_rare(self._moves, self._lead) or not (self._is_spread_changed() or self._has_left(partners)):
            return Judgement.UNKNOWN, Reason.TOO_SMALL
        if len(partners) == 1 and not self._is_settled:
            # One witness may be slow, or stand far from the fault: it is given time.
            return Judgement.UNKNOWN, Reason.ONE_WITNESS
        return Judgement.SENSOR, Reason.LEFT_RELATION

    @property
    def _is_settled(self) -> bool:
        return self._grid.after >= MOST_AFTER

    def _weigh_moved(self, partners: Sequence[Relation], *, share: float) -> tuple[Judgement, Reason]:
        if share >= HALF and not self._has_left(partners):
            return Judgement.MACHINE, Reason.AS_USUAL
        if share > HALF:
            return Judgement.MACHINE, Reason.NOT_AS_USUAL
        return Judgement.UNKNOWN, Reason.SPLIT

    def _has_moved(self, metric: int) -> bool:
        """By its own measure; what alarmed at the same time has moved by its detector's."""
        return self._grid.metrics[metric] in self._alarmed or self._is_rare(self._moves, metric)

    def _is_rare(self, moves: Moves, metric: int) -> bool:
        rarest = max(self._policy.rarity, 1 / (1 + moves.stretches))
        return bool(moves.strength[metric] >= self._policy.moved_sd and moves.rarity[metric] <= rarest)

    def _has_left(self, partners: Sequence[Relation]) -> bool:
        """Whether the partners do not account for what the lead did."""
        left = leave_unexplained(self._changes, self._lead, partners, until=self._moves.first)
        return self._is_rare(measure_moves(left, self._grid.onset), 0)

    def _is_spread_changed(self) -> bool:
        """Whether what the lead did most was to become restless, or to stand still."""
        return self._moves.peak(self._lead)[0] == len(SCALES)

    def _can_testify(self, metric: int, *, has_moved: bool) -> bool:
        """Whether it has been read since the onset, and does not stand still where neither it nor the lead should."""
        if not self._grid.is_known[metric]:
            return False
        if has_moved:
            return not self._fell_still(metric) or self._fell_still(self._lead)
        first = self._moves.first
        row = self._grid.values[metric]
        length = len(row) - first
        is_change = np.abs(np.diff(row, prepend=row[:1])) > 0
        if is_change[first:].any():
            return True
        count = first // length
        still = ~is_change[first - count * length : first].reshape(count, length).any(axis=1)
        return float(still.mean()) >= USUALLY_STILL

    def _fell_still(self, metric: int) -> bool:
        channel, cell = self._moves.peak(metric)
        return channel == len(SCALES) and self._moves.sizes[channel, metric, cell] < 0

    def _conclude(
        self, judgement: Judgement, reason: Reason, moved: Sequence[int], partners: Sequence[Relation]
    ) -> DeviceEvidence:
        names, agreement = self._grid.metrics, {partner.metric: partner.r for partner in partners}
        # To the figures that are told: beyond them, the order of sums speaks.
        movements = [self._movement(metric, agreement.get(metric)) for metric in moved]
        return DeviceEvidence(
            judgement=judgement,
            reason=reason,
            lead=self._name,
            moved=tuple(sorted(movements, key=lambda it: (it.rarity, -abs(it.sd), it.metric))),
            agreeing=tuple(
                Agreement(
                    metric=names[it.metric],
                    r=round(it.r, 3),
                    n_effective=round(it.n_effective, 1),
                    moved=it.metric in moved,
                )
                for it in partners
            ),
            is_settled=self._is_settled,
        )

    def _movement(self, metric: int, r: float | None) -> Movement:
        channel, cell = self._moves.peak(metric)
        size = float(self._moves.sizes[channel, metric, cell])
        if channel < len(SCALES):
            direction = Direction.UP if size > 0 else Direction.DOWN
            size = self._in_readings(metric, float(self._changes[channel, metric, cell]))
        else:
            direction = Direction.RESTLESS if size > 0 else Direction.STILL
        return Movement(
            metric=self._grid.metrics[metric],
            direction=direction,
            sd=round(float(np.clip(size, -FAR, FAR)), 2),
            rarity=round(float(self._moves.rarity[metric]), 4),
            r=None if r is None else round(r, 3),
        )

    def _in_readings(self, metric: int, change: float) -> float:
        before: NDArray[np.float64] = self._grid.values[metric, : self._moves.first]
        usual = float(robust_sd(before))
        return change / usual if usual > 0 else float(np.sign(change)) * FAR
