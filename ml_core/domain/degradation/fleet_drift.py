"""From the tests of many models to verdicts: few false calls over the fleet, one cause told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from ml_core.domain.checks.check import CheckResult, SeriesCheck, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.degradation.drift import benjamini_hochberg
from ml_core.domain.degradation.model_drift import Aspect, AspectTest, DriftTest
from ml_core.domain.degradation.null_canary import LOUD_RATIO, NullCanary, NullSplit, count_null
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import DriftPolicy

CONSECUTIVE = "consecutive"
"""Evidence of a drift result: how many checks in a row have seen drift, this one included."""
COMMON_MODE = "common_mode"
"""Evidence of a drift result: whether its metric or site drifts as a group."""


@dataclass(frozen=True, kw_only=True)
class TestedModel:
    """One model of the run."""

    __test__ = False  # no test case, whatever a test runner makes of the name

    series_id: int
    metric: str
    test: DriftTest
    before: int
    """How many checks in a row up to the last one have seen this model drift."""
    words: str
    """The time that the live readings cover, for people."""
    site: str | None = None
    """Where its device stands, where the site's settings tell."""
    null: NullSplit | None = None
    """The same test on its training, where it was drawn for that."""

    @property
    def groups(self) -> tuple[str, ...]:
        """What it may drift together with, in words."""
        metric = f"series of {self.metric}"
        return (metric,) if self.site is None else (metric, f"series at {self.site}")


@dataclass(frozen=True, kw_only=True)
class CommonMode:
    """Models of one metric, or of one site, that drift together."""

    group: str
    drifting: int
    tested: int


@dataclass(frozen=True, kw_only=True)
class FleetVerdict:
    """What a run says of all tested models together."""

    results: Mapping[int, CheckResult]
    """By series."""
    common: Sequence[CommonMode]
    canary: NullCanary


def assess_fleet(models: Sequence[TestedModel], *, policy: DriftPolicy) -> FleetVerdict:
    """The drift verdict of every tested model, the groups that drift together, and the null canary.

    A model that `find_drifting` names once is a first sign (warn), `consecutive_checks` times in a row is
    degradation (fail). Where the null canary is loud, the test is not to be believed and nothing fails. A
    model that is not seen to drift is fine only where its readings were enough to show it: else unknown.
    """
    found = find_drifting([model.test for model in models], policy)
    drifting = {model.series_id for model, drifts in zip(models, found, strict=True) if drifts}
    common = _find_common_modes(models, drifting, policy)
    groups = {mode.group for mode in common}
    canary = count_null([model.null for model in models if model.null is not None], policy)
    return FleetVerdict(
        results={
            model.series_id: _tell(
                model,
                is_drifting=model.series_id in drifting,
                is_common=not groups.isdisjoint(model.groups),
                is_believed=not canary.is_loud,
                policy=policy,
            )
            for model in models
        },
        common=common,
        canary=canary,
    )


def find_drifting(tests: Sequence[DriftTest], policy: DriftPolicy) -> list[bool]:
    """Which models drift: an effect that matters, discovered by Benjamini-Hochberg over all models of the run."""
    p_values = [test.p_value(policy) for test in tests]
    return [bool(found) for found in benjamini_hochberg(p_values, policy.false_discovery_rate)]


def count_before(last: Sequence[SeriesCheck], model: ModelVersion) -> int:
    """How many checks in a row, up to the last one, have seen this very model drift."""
    for check in last:
        if check.model_id == model.model_id:
            return int(check.result.evidence.get(CONSECUTIVE, 0))
    return 0


def observe_drift(results: Mapping[int, CheckResult]) -> list[Observation]:
    """What the ledger is told: degradation of single models; a first sign or an unknown changes nothing."""
    observations = []
    for series_id, result in results.items():
        is_common = bool(result.evidence.get(COMMON_MODE))
        if result.verdict is Verdict.UNKNOWN or (result.verdict is Verdict.WARN and not is_common):
            continue
        is_single = result.verdict is Verdict.FAIL and not is_common
        observations.append(
            Observation(
                check=CheckName.DRIFT,
                series_id=series_id,
                severity=Severity.CRITICAL if is_single else None,
                message=result.reason,
                value=result.value,
                threshold=result.threshold,
                evidence=result.evidence,
            )
        )
    return observations


def observe_common_mode(common: Sequence[CommonMode]) -> Observation:
    """The one finding of the fleet that stands for whole groups, or that none drifts any more."""
    told = ", ".join(f"{mode.drifting} of {mode.tested} {mode.group}" for mode in common)
    return Observation(
        check=CheckName.COMMON_MODE_DRIFT,
        series_id=None,
        severity=Severity.CRITICAL if common else None,
        message=f"{told} drift together: look for one common cause; none of them is retrained for it"
        if common
        else "no metric or site drifts as a group",
        value=float(sum(mode.drifting for mode in common)),
        evidence={
            "groups": [{"group": mode.group, "drifting": mode.drifting, "tested": mode.tested} for mode in common]
        },
    )


def observe_canary(canary: NullCanary) -> Observation:
    """The fleet's finding that the drift test itself is not to be believed, or that it is again."""
    return Observation(
        check=CheckName.DRIFT_CANARY,
        series_id=None,
        severity=Severity.WARNING if canary.is_loud else None,
        message=f"the drift test spoke on {canary.rate:.1%} of {canary.splits} pieces of training that have not "
        f"drifted, {canary.nominal:.0%} are expected"
        + ("; until that is over nothing is called degraded for drift" if canary.is_loud else ""),
        value=canary.rate,
        threshold=LOUD_RATIO * canary.nominal,
        evidence=canary.to_json(),
    )


def _find_common_modes(models: Sequence[TestedModel], drifting: set[int], policy: DriftPolicy) -> list[CommonMode]:
    tested = Counter(group for model in models for group in model.groups)
    moved = Counter(group for model in models if model.series_id in drifting for group in model.groups)
    return [
        CommonMode(group=group, drifting=count, tested=tested[group])
        for group, count in sorted(moved.items())
        if count >= policy.common_mode_min and count > policy.common_mode_share * tested[group]
    ]


def _tell(
    model: TestedModel, *, is_drifting: bool, is_common: bool, is_believed: bool, policy: DriftPolicy
) -> CheckResult:
    test, consecutive = model.test, model.before + 1 if is_drifting else 0
    told = test.leading(policy) or test.values
    verdict = Verdict.WARN
    if not is_drifting:
        verdict = Verdict.OK if test.n_effective >= policy.min_effective_readings else Verdict.UNKNOWN
    elif consecutive >= policy.consecutive_checks and is_believed:
        verdict = Verdict.FAIL
    return CheckResult(
        check=CheckName.DRIFT,
        verdict=verdict,
        reason=_words(model, told, verdict, consecutive, is_common, is_believed, policy),
        value=told.effect,
        threshold=told.least_effect(policy),
        evidence={
            "aspect": told.aspect.value,
            "p_value": test.p_value(policy),
            "n_effective": test.n_effective,
            "usual_effect": told.usual,
            "aspects": {
                aspect.aspect.value: {"p_value": aspect.p_value, "effect": aspect.effect, "usual": aspect.usual}
                for aspect in test.aspects
            },
            "reference_median": test.reference_median,
            "live_median": test.live_median,
            CONSECUTIVE: consecutive,
            COMMON_MODE: is_drifting and is_common,
        },
    )


def _words(
    model: TestedModel,
    told: AspectTest,
    verdict: Verdict,
    consecutive: int,
    is_common: bool,
    is_believed: bool,
    policy: DriftPolicy,
) -> str:
    if verdict is Verdict.UNKNOWN:
        return (
            f"{model.words} hold readings worth about {model.test.n_effective:.0f} independent ones and show no "
            f"drift; {policy.min_effective_readings:g} are needed to say that there is none"
        )
    if consecutive == 0:
        return f"the readings of {model.words} look like those of training"
    moved = _tell_change(model, told)
    if not is_believed:
        return f"{moved}; only told, since the null canary is loud"
    if is_common:
        return f"{moved}, together with other {' and '.join(model.groups)}"
    if consecutive == 1:
        return f"{moved}: a first sign, the next check decides"
    return f"{moved}, seen in {consecutive} checks in a row"


def _tell_change(model: TestedModel, told: AspectTest) -> str:
    test, readings = model.test, f"the readings of {model.words}"
    medians = f"median {test.reference_median:.4g}, now {test.live_median:.4g}"
    usual = f"up to {told.usual:.2g} was usual"
    match told.aspect:
        case Aspect.VALUES:
            return f"{readings} are {told.effect:.2g} training IQRs from those of training ({medians}, {usual})"
        case Aspect.SCORES:
            return f"{readings} score {told.effect:.0%} unlike those of training ({medians}, {usual})"
        case Aspect.VARIABILITY:
            return f"{readings} step {told.ratio:.2g} times as far from one to the next as in training ({medians})"
        case _:
            assert_never(told.aspect)
