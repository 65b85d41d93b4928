"""The gate: what a challenger must show before it replaces the champion, each answer with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_core.domain.degradation.window_drift import check_no_drift
from ml_core.domain.figures import tell_apart
from ml_core.domain.gate.alarm_counts import count_alarms, most_by_chance
from ml_core.domain.gate.contender import Contender
from ml_core.domain.gate.gate_check import GateCheck
from ml_core.domain.gate.injection import InjectedFaults, inject_faults
from ml_core.domain.policies import GatePolicy
from ml_core.domain.series import Readings
from ml_core.domain.training.training_window import check_not_stuck

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """Everything that the gate asked, passed or not."""

    checks: tuple[GateCheck, ...]
    accepted: Mapping[str, str] = field(default_factory=dict)
    """Who asked for it and why, where a person stands in for most of the gate."""

    @property
    def passed(self) -> bool:
        """Whether nothing was refused."""
        return all(check.passed for check in self.checks)

    @property
    def reason(self) -> str:
        """What was refused and why, or that all was well."""
        refused = [f"{check.name}: {check.reason}" for check in self.checks if not check.passed]
        return "; ".join(refused) if refused else f"passed all {len(self.checks)} checks of the gate"

    def to_json(self) -> dict[str, Any]:
        """The gate's table, as events keep it."""
        table: dict[str, Any] = {"gate": [check.to_json() for check in self.checks]}
        return table | {"accepted": dict(self.accepted)} if self.accepted else table


@dataclass(frozen=True, kw_only=True)
class GateCase:
    """What stands before the gate: the challenger, what it learned from, and what it is compared with."""

    challenger: Contender
    reloaded: Contender
    """The challenger as the artifact store gives it back."""
    training: Readings
    fresh: Readings
    """The part of the training window that the champion has not learned from."""
    target_alarm_rate: float
    min_readings: int
    gold: Readings | None = None
    champion: Contender | None = None
    """None at the first model, and where the champion's artifact cannot be loaded."""
    champion_flat_run: int | None = None
    """The longest run of equal readings that the champion learned from."""
    confirmed: Readings | None = None
    """Readings that people called anomalies."""
    false_alarms: Readings | None = None
    """Alarms that people called false."""

    @cached_property
    def faults(self) -> Sequence[InjectedFaults]:
        """The faults that both are shown."""
        return [] if self.gold is None else inject_faults(self.gold)


def examine_first(case: GateCase) -> GateReport:
    """The gate of a series' first model: enough data, and an artifact that answers as it should."""
    return GateReport(checks=(check_enough_data(case), check_saved_artifact(case)))


def examine(case: GateCase, policy: GatePolicy) -> GateReport:
    """The whole gate; what cannot be compared because a side is missing is passed and says so."""
    return GateReport(
        checks=(
            check_enough_data(case),
            check_alarm_rate(case, policy),
            check_recall(case, policy),
            check_no_drift(case.gold, case.fresh, case.training, policy),
            check_not_stuck(case.fresh, case.champion_flat_run, policy),
            check_champion_quiet(case, policy),
            check_verdicts(case),
            check_rank_agreement(case, policy),
            check_saved_artifact(case),
        )
    )


def check_enough_data(case: GateCase) -> GateCheck:
    """G0: the training window holds the readings that training asks for."""
    n = len(case.training)
    return GateCheck(
        name="G0 enough data",
        passed=n >= case.min_readings,
        value=n,
        threshold=case.min_readings,
        reason=f"{n} readings, {case.min_readings} are needed",
    )


def check_alarm_rate(case: GateCase, policy: GatePolicy) -> GateCheck:
    """G1: on gold, no more alarms than chance at the target rate, twice the champion's, or gold's variety explain."""
    name = "G1 alarm rate on gold"
    if case.gold is None or len(case.gold) == 0:
        return GateCheck(name=name, passed=True, reason="not compared: the series has no gold window")
    count = count_alarms(case.challenger, case.gold)
    champion = None if case.champion is None else count_alarms(case.champion, case.gold)
    most = max(
        most_by_chance(count.readings * case.target_alarm_rate, policy.max_chance),
        policy.max_alarm_ratio * (champion.alarms if champion else 0),
        # Gold may have seen more of the machine than the last weeks have.
        policy.max_gold_alarm_share * count.readings,
    )
    told = f"; the champion gives {champion.words}" if champion else ""
    return GateCheck(
        name=name,
        passed=count.alarms <= most,
        value=count.alarms,
        threshold=most,
        reason=f"{count.words} on {count.readings} clean readings, {int(most)} alarms are accepted{told}",
    )


def check_recall(case: GateCase, policy: GatePolicy) -> GateCheck:
    """G2: of the faults injected into gold it finds as many as the champion, within the loss allowed or by chance."""
    name = "G2 recall on injected faults"
    if case.champion is None or not case.faults:
        return GateCheck(name=name, passed=True, reason="not compared: no champion or no gold window")
    own, champion = _recall(case.challenger, case.faults), _recall(case.champion, case.faults)
    events = sum(len(fault.events) for fault in case.faults)
    least = max(0.0, champion - max(policy.max_recall_loss, loss_by_chance(champion, events, policy.max_chance)))
    found, asked = tell_apart(own, least, digits=0, unit="%")
    return GateCheck(
        name=name,
        passed=own >= least,
        value=own,
        threshold=least,
        reason=f"finds {found} of the {events} injected faults, the champion {champion:.0%}; {asked} are asked",
    )


def loss_by_chance(recall: float, events: int, max_chance: float) -> float:
    """By how much two samples of so many events with one recall differ with probability `max_chance`.

    The normal approximation of two binomial shares: z * sqrt(2 p (1 - p) / n).
    """
    from scipy.stats import norm

    return float(norm.isf(max_chance) * np.sqrt(2 * recall * (1 - recall) / events))


def _recall(contender: Contender, faults: Sequence[InjectedFaults]) -> float:
    return float(np.mean([fault.recall(contender.alarms(fault.readings)) for fault in faults]))


def check_champion_quiet(case: GateCase, policy: GatePolicy) -> GateCheck:
    """G3: the champion was quiet over the new readings that were learned; what it called strange must not be."""
    name = "G3 champion quiet"
    learned = case.challenger.learned(case.fresh)
    if case.champion is None or not learned.any():
        return GateCheck(name=name, passed=True, reason="not compared: no champion or nothing new to it")
    n, alarms = int(learned.sum()), int(case.champion.alarms(case.fresh)[learned].sum())
    target = case.champion.expected_alarm_rate(case.target_alarm_rate)
    most = max(policy.max_champion_alarm_ratio * target * n, most_by_chance(n * target, policy.max_chance))
    return GateCheck(
        name=name,
        passed=alarms <= most,
        value=alarms,
        threshold=most,
        reason=f"the champion called {alarms} of the {n} new readings anomalous, {int(most)} are accepted",
    )


def check_verdicts(case: GateCase) -> GateCheck:
    """G4: no anomaly that a person confirmed is lost, and no more of the known false alarms are repeated."""
    name = "G4 verdicts of people"
    confirmed, false_alarms = case.confirmed, case.false_alarms
    if case.champion is None or not (confirmed or false_alarms):
        return GateCheck(name=name, passed=True, reason="not compared: people have given no verdicts")
    lost = _more_alarms(case.champion, case.challenger, confirmed)
    repeated = _more_alarms(case.challenger, case.champion, false_alarms)
    return GateCheck(
        name=name,
        passed=lost <= 0 and repeated <= 0,
        value=max(lost, repeated),
        threshold=0,
        reason=f"{max(lost, 0)} confirmed anomalies lost, {max(repeated, 0)} more known false alarms repeated",
    )


def _more_alarms(one: Contender, other: Contender, readings: Readings | None) -> int:
    if readings is None or len(readings) == 0:
        return 0
    return int(one.alarms(readings).sum()) - int(other.alarms(readings).sum())


def check_rank_agreement(case: GateCase, policy: GatePolicy) -> GateCheck:
    """G5: both put the clean readings and the injected faults into about the same order of strangeness."""
    name = "G5 rank agreement"
    if case.champion is None or case.gold is None or not case.faults:
        return GateCheck(name=name, passed=True, reason="not compared: no champion or no gold window")
    from scipy.stats import spearmanr

    shown = [case.gold, *(fault.readings for fault in case.faults)]
    own, champion = (_all_scores(contender, shown) for contender in (case.challenger, case.champion))
    if np.ptp(own) == 0 or np.ptp(champion) == 0:
        return GateCheck(name=name, passed=True, reason="not compared: a model gives every reading one score")
    agreement = float(spearmanr(own, champion).statistic)
    return GateCheck(
        name=name,
        passed=agreement >= policy.min_rank_agreement,
        value=agreement,
        threshold=policy.min_rank_agreement,
        reason=f"the scores' rank correlation with the champion's is {agreement:.2f}",
    )


def _all_scores(contender: Contender, shown: Sequence[Readings]) -> NDArray[np.float64]:
    return np.concatenate([contender.score(readings) for readings in shown])


def check_saved_artifact(case: GateCase) -> GateCheck:
    """G6: the artifact read back from the store answers exactly as the one in memory."""
    own, reloaded = case.challenger.score(case.training), case.reloaded.score(case.training)
    different = int((own != reloaded).sum())
    return GateCheck(
        name="G6 saved artifact",
        passed=different == 0,
        value=different,
        threshold=0,
        reason=f"{different} of {own.size} readings are answered differently by the saved artifact",
    )
