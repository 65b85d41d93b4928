"""From many tests to verdicts: few false calls, two checks in a row, one cause told once."""

from collections.abc import Sequence

import numpy as np
import pytest

from ml_core.domain.check import CheckResult, Verdict
from ml_core.domain.degradation import DriftTest
from ml_core.domain.finding import Severity
from ml_core.domain.fleet_drift import TestedModel, assess_fleet, observe_common_mode, observe_drift
from ml_core.domain.policies import DriftPolicy

POLICY = DriftPolicy()


def model(series_id: int, p_value: float, *, effect: float = 2.0, before: int = 0, metric: str = "flow") -> TestedModel:
    """A tested model."""
    test = DriftTest(p_value=p_value, effect=effect, n_effective=80, reference_median=20, live_median=24)
    return TestedModel(series_id=series_id, metric=metric, test=test, before=before, words="the last 24 h")


def quiet(n: int, *, least: float = 0.1) -> list[TestedModel]:
    """Models without drift."""
    return [model(1000 + i, p) for i, p in enumerate(np.random.default_rng(0).uniform(least, 1, n))]


def verdict_on(models: Sequence[TestedModel], series_id: int = 1) -> CheckResult:
    """The verdict on one of them."""
    return assess_fleet(models, policy=POLICY)[0][series_id]


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
        "the readings of the last 24 h are 2 training IQRs from those of training (median 20, now 24), "
        "seen in 2 checks in a row"
    )


def test_a_check_without_drift_begins_the_count_anew() -> None:
    """Drift that is gone is forgotten."""
    result = verdict_on([model(1, 0.9, before=1), *quiet(20)])

    assert (result.verdict, result.evidence["consecutive"]) == (Verdict.OK, 0)


def test_a_small_effect_is_no_drift_however_sure() -> None:
    """What is certain but tiny is left alone."""
    assert verdict_on([model(1, 1e-12, effect=0.49, before=5)]).verdict is Verdict.OK


def test_a_fleet_of_healthy_models_is_left_alone() -> None:
    """Ten thousand p-values without drift give no discovery but by rare chance."""
    results, common = assess_fleet(quiet(10_000, least=0.0), policy=POLICY)

    assert sum(result.verdict is not Verdict.OK for result in results.values()) <= 2
    assert common == []


def test_many_of_one_metric_are_one_cause() -> None:
    """Twenty of two hundred series of a metric together: one finding of the fleet, none of the series."""
    together = [model(i, 1e-9, before=1) for i in range(1, 21)]
    alone = model(500, 1e-9, before=1, metric="pressure")
    others = [model(600 + i, 0.5, metric="pressure") for i in range(50)]

    results, common = assess_fleet([*together, *quiet(180), alone, *others], policy=POLICY)
    told = {seen.series_id: seen for seen in observe_drift(results)}
    fleet = observe_common_mode(common)

    assert [(mode.metric, mode.drifting, mode.tested) for mode in common] == [("flow", 20, 200)]
    assert all(told[i].severity is None for i in range(1, 21))
    assert told[500].severity is Severity.CRITICAL
    assert fleet.severity is Severity.CRITICAL
    assert fleet.message.startswith("20 of 200 series of flow drift together")


@pytest.mark.parametrize(("drifting", "tested"), [(4, 10), (10, 200)])
def test_few_drifting_models_are_told_one_by_one(drifting: int, tested: int) -> None:
    """Fewer than five, or no more than one in twenty, are no common cause."""
    models = [model(i, 1e-9, before=1) for i in range(drifting)] + quiet(tested - drifting)

    assert assess_fleet(models, policy=POLICY)[1] == []


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
    assert assess_fleet([], policy=POLICY) == ({}, [])
