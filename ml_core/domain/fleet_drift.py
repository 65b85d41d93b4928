"""From the tests of many models to verdicts: few false calls over the fleet, one cause told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_core.domain.check import CheckResult, SeriesCheck, Verdict
from ml_core.domain.check_names import CheckName
from ml_core.domain.degradation import DriftTest
from ml_core.domain.drift import benjamini_hochberg
from ml_core.domain.finding import Observation, Severity
from ml_core.domain.model_version import ModelVersion
from ml_core.domain.policies import DriftPolicy

CONSECUTIVE = "consecutive"
"""Evidence of a drift result: how many checks in a row have seen drift, this one included."""
COMMON_MODE = "common_mode"
"""Evidence of a drift result: whether its metric drifts as a group."""


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


@dataclass(frozen=True, kw_only=True)
class CommonMode:
    """Models of one metric that drift together."""

    metric: str
    drifting: int
    tested: int


def assess_fleet(
    models: Sequence[TestedModel], *, policy: DriftPolicy
) -> tuple[dict[int, CheckResult], list[CommonMode]]:
    """The drift verdict of every tested model by its series, and the metrics that drift as a group.

    A model drifts where Benjamini-Hochberg over this run discovers it and the effect is large enough; once
    is a first sign (warn), `consecutive_checks` times in a row is degradation (fail).
    """
    discovered = benjamini_hochberg([model.test.p_value for model in models], policy.false_discovery_rate)
    drifting = {
        model.series_id
        for model, found in zip(models, discovered, strict=True)
        if found and model.test.effect >= policy.min_effect
    }
    common = _find_common_modes(models, drifting, policy)
    metrics = {mode.metric for mode in common}
    results = {
        model.series_id: _tell(
            model, is_drifting=model.series_id in drifting, is_common=model.metric in metrics, policy=policy
        )
        for model in models
    }
    return results, common


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
    told = ", ".join(f"{mode.drifting} of {mode.tested} series of {mode.metric}" for mode in common)
    return Observation(
        check=CheckName.COMMON_MODE_DRIFT,
        series_id=None,
        severity=Severity.CRITICAL if common else None,
        message=f"{told} drift together: look for one common cause; none of them is retrained for it"
        if common
        else "no metric drifts as a group",
        value=float(sum(mode.drifting for mode in common)),
        evidence={
            "groups": [{"metric": mode.metric, "drifting": mode.drifting, "tested": mode.tested} for mode in common]
        },
    )


def _find_common_modes(models: Sequence[TestedModel], drifting: set[int], policy: DriftPolicy) -> list[CommonMode]:
    tested = Counter(model.metric for model in models)
    moved = Counter(model.metric for model in models if model.series_id in drifting)
    return [
        CommonMode(metric=metric, drifting=count, tested=tested[metric])
        for metric, count in sorted(moved.items())
        if count >= policy.common_mode_min and count > policy.common_mode_share * tested[metric]
    ]


def _tell(model: TestedModel, *, is_drifting: bool, is_common: bool, policy: DriftPolicy) -> CheckResult:
    test, consecutive = model.test, model.before + 1 if is_drifting else 0
    verdict = Verdict.WARN if is_drifting else Verdict.OK
    if consecutive >= policy.consecutive_checks:
        verdict = Verdict.FAIL
    return CheckResult(
        check=CheckName.DRIFT,
        verdict=verdict,
        reason=_words(model, consecutive, is_drifting and is_common),
        value=test.effect,
        threshold=policy.min_effect,
        evidence={
            "p_value": test.p_value,
            "n_effective": test.n_effective,
            "reference_median": test.reference_median,
            "live_median": test.live_median,
            CONSECUTIVE: consecutive,
            COMMON_MODE: is_drifting and is_common,
        },
    )


def _words(model: TestedModel, consecutive: int, is_common: bool) -> str:
    test = model.test
    if consecutive == 0:
        return f"the readings of {model.words} look like those of training"
    moved = (
        f"the readings of {model.words} are {test.effect:.2g} training IQRs from those of training "
        f"(median {test.reference_median:.4g}, now {test.live_median:.4g})"
    )
    if is_common:
        return f"{moved}, together with other series of {model.metric}"
    if consecutive == 1:
        return f"{moved}: a first sign, the next check decides"
    return f"{moved}, seen in {consecutive} checks in a row"
