"""From many tests to verdicts: few false calls, two checks in a row, one cause told once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.degradation.fleet_drift import TestedModel, assess_fleet, observe_common_mode, observe_drift
from ml_core.domain.degradation.model_drift import Aspect, AspectTest, DriftTest
from ml_core.domain.degradation.null_canary import NullSplit
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.policies import DriftPolicy
from ml_core.errors import ConfigurationError

POLICY = DriftPolicy()


def model(
    series_id: int,
    p_value: float,
    *,
    effect: float = 2.0,
    before: int = 0,
    metric: str = "flow",
    site: str | None = None,
    n_effective: float = 80,
    null: NullSplit | None = None,
) -> TestedModel:
    """A tested model."""
    aspect = AspectTest(aspect=Aspect.VALUES, p_value=p_value, effect=effect, usual=0.1)
    test = DriftTest(aspects=(aspect,), n_effective=n_effective, reference_median=20, live_median=24)
    return TestedModel(
        series_id=series_id, metric=metric, test=test, before=before, words="the last 24 h", site=site, null=null
    )


def quiet(n: int, *, least: float = 0.1) -> list[TestedModel]:
    """Models without drift."""
    return [model(1000 + i, p) for i, p in enumerate(np.random.default_rng(0).uniform(least, 1, n))]


def verdict_on(models: Sequence[TestedModel], series_id: int = 1) -> CheckResult:
    """The verdict on one of them."""
    return assess_fleet(models, policy=POLICY).results[series_id]


def test_the_first_check_is_a_first_sign_only() -> None:
    """Drift seen once warns, and says that the next check decides."""
    result = verdict_on([model(1, 1e-9), *quiet(200)])

    assert result.verdict is Verdict.WARN
    assert "a first sign" in result.reason


def test_the_second_check_in_a_row_is_degradation() -> None:
    """Seen twice in a row it fails, with figures in words."""
    result = verdict_on([model(1, 1e-9, before=1), *quiet(200)])

    assert result.verdict is Verdict.FAIL
    assert result.reason == (
        "the readings of the last 24 h are 2 training IQRs from those of training (median 20, now 24, "
        "up to 0.1 was usual), seen in 2 checks in a row"
    )


def test_a_check_without_drift_begins_the_count_anew() -> None:
    """Drift that is gone is forgotten."""
    result = verdict_on([model(1, 0.9, before=1), *quiet(20)])

    assert (result.verdict, result.evidence["consecutive"]) == (Verdict.OK, 0)


def test_a_small_effect_is_no_drift_however_sure() -> None:
    """What is certain but tiny is left alone."""
    assert verdict_on([model(1, 1e-12, effect=0.24, before=5)]).verdict is Verdict.OK


def test_a_fleet_of_healthy_models_is_left_alone() -> None:
    """Ten thousand p-values without drift give no discovery but by rare chance."""
    fleet = assess_fleet(quiet(10_000, least=0.0), policy=POLICY)

    assert sum(result.verdict is not Verdict.OK for result in fleet.results.values()) <= 2
    assert fleet.common == []


def test_many_of_one_metric_are_one_cause() -> None:
    """Twenty of two hundred series of a metric together: one finding of the fleet, none of the series."""
    together = [model(i, 1e-9, before=1) for i in range(1, 21)]
    alone = model(500, 1e-9, before=1, metric="pressure")
    others = [model(600 + i, 0.5, metric="pressure") for i in range(50)]

    verdict = assess_fleet([*together, *quiet(180), alone, *others], policy=POLICY)
    told = {seen.series_id: seen for seen in observe_drift(verdict.results)}
    fleet = observe_common_mode(verdict.common)

    assert [(mode.group, mode.drifting, mode.tested) for mode in verdict.common] == [("series of flow", 20, 200)]
    assert all(told[i].severity is None for i in range(1, 21))
    assert told[500].severity is Severity.CRITICAL
    assert fleet.severity is Severity.CRITICAL
    assert fleet.message.startswith("20 of 200 series of flow drift together")


@pytest.mark.parametrize(("drifting", "tested"), [(4, 10), (10, 200)])
def test_few_drifting_models_are_told_one_by_one(drifting: int, tested: int) -> None:
    """Fewer than five, or no more than one in twenty, are no common cause."""
    models = [model(i, 1e-9, before=1) for i in range(drifting)] + quiet(tested - drifting)

    assert assess_fleet(models, policy=POLICY).common == []


def test_a_first_sign_and_an_unknown_change_no_finding() -> None:
    """The ledger is told of degradation and of its end, of nothing in between."""
    first = verdict_on([model(1, 1e-9), *quiet(50)])
    unknown = CheckResult(check="drift", verdict=Verdict.UNKNOWN, reason="too few readings")

    assert observe_drift({1: first, 2: unknown}) == []


def test_no_common_cause_resolves_the_fleets_finding() -> None:
    """When no group drifts any more, that is told too."""
    assert observe_common_mode([]).severity is None


def test_an_empty_fleet_has_no_verdicts() -> None:
    """Nothing tested, nothing said."""
    fleet = assess_fleet([], policy=POLICY)

    assert (fleet.results, fleet.common, fleet.canary.splits) == ({}, [], 0)


def test_a_site_drifts_as_a_group_too() -> None:
    """Five metrics of one site move together: one finding that names the site, and no single one."""
    together = [model(i, 1e-9, before=1, metric=f"metric {i}", site="Ulm") for i in range(5)]
    others = [model(10 + i, 0.5, metric=f"metric {i % 5}", site="Bern") for i in range(500)]

    verdict = assess_fleet([*together, *others], policy=POLICY)

    assert observe_common_mode(verdict.common).message.startswith("5 of 5 series at Ulm drift together")
    assert all(seen.severity is None for seen in observe_drift(verdict.results))


def test_too_few_independent_readings_are_never_called_fine() -> None:
    """They may show drift, but they cannot show that there is none: unknown is a verdict."""
    seen, unseen = model(1, 1e-9, n_effective=8), model(2, 0.5, n_effective=8)

    results = assess_fleet([seen, unseen, *quiet(50)], policy=POLICY).results

    assert (results[1].verdict, results[2].verdict) == (Verdict.WARN, Verdict.UNKNOWN)
    assert "worth about 8 independent ones" in results[2].reason


@pytest.mark.parametrize(("pattern", "words"), [("(", "no regular expression"), ("PUMP", "needs a group in brackets")])
def test_a_site_pattern_that_cannot_work_is_refused(pattern: str, words: str) -> None:
    """Before any run, with the setting's name."""
    with pytest.raises(ConfigurationError, match=f"site_pattern .*{words}"):
        DriftPolicy(site_pattern=pattern)


def test_two_looks_count_twice() -> None:
    """A model tested on a day and on a week has two chances, so its p-value counts twice."""
    once = model(1, 0.01).test

    assert replace(once, looks=2).p_value(POLICY) == 2 * once.p_value(POLICY)
