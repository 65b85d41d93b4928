"""From checks to one verdict, and to what the ledger is told."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.health import judge, observe_results
from ml_core.domain.incidents.finding import Severity
from ml_core.domain.series_record import Health

SERIES_CHECKS = [
    check
    for check in CheckName
    if check not in (CheckName.STORE_SIZE, CheckName.HEARTBEAT, CheckName.COMMON_MODE_DRIFT)
]
RANK = (Health.HEALTHY, Health.UNKNOWN, Health.STALE, Health.DEGRADED, Health.NO_DATA, Health.BROKEN)


def results_of(**verdicts: Verdict) -> list[CheckResult]:
    """All checks fine but for those named."""
    return [
        CheckResult(check=check, verdict=verdicts.get(check.value, Verdict.OK), reason=f"why {check.value}")
        for check in SERIES_CHECKS
    ]


@pytest.mark.parametrize(
    ("verdicts", "health"),
    [
        ({}, Health.HEALTHY),
        ({"artifact": Verdict.FAIL}, Health.BROKEN),
        ({"scoring_stalled": Verdict.FAIL}, Health.BROKEN),
        ({"lag": Verdict.FAIL}, Health.NO_DATA),
        ({"drift": Verdict.FAIL}, Health.DEGRADED),
        ({"out_of_range": Verdict.FAIL}, Health.DEGRADED),
        ({"unit_change": Verdict.FAIL}, Health.DEGRADED),
        ({"alarm_rate": Verdict.FAIL}, Health.DEGRADED),
        ({"latency": Verdict.FAIL}, Health.DEGRADED),
        ({"false_positive_rate": Verdict.FAIL}, Health.DEGRADED),
        ({"age": Verdict.WARN}, Health.STALE),
        ({"age": Verdict.FAIL}, Health.STALE),
        ({"flatline": Verdict.FAIL}, Health.UNKNOWN),
        ({"coverage": Verdict.FAIL}, Health.UNKNOWN),
        ({"out_of_range": Verdict.UNKNOWN}, Health.UNKNOWN),
        ({"lag": Verdict.WARN}, Health.HEALTHY),
        ({"drift": Verdict.WARN}, Health.HEALTHY),
        ({"artifact": Verdict.WARN}, Health.HEALTHY),
        ({"accuracy": Verdict.UNKNOWN, "false_positive_rate": Verdict.UNKNOWN}, Health.HEALTHY),
        ({"artifact": Verdict.FAIL, "lag": Verdict.FAIL, "age": Verdict.FAIL}, Health.BROKEN),
        ({"lag": Verdict.FAIL, "drift": Verdict.FAIL}, Health.NO_DATA),
        ({"drift": Verdict.FAIL, "age": Verdict.FAIL}, Health.DEGRADED),
        ({"flatline": Verdict.FAIL, "age": Verdict.WARN}, Health.STALE),
    ],
)
def test_the_worst_that_holds_is_the_health(verdicts: dict[str, Verdict], health: Health) -> None:
    """Broken before no data before degraded before stale before unknown before healthy."""
    assert judge(results_of(**verdicts))[0] is health


@given(st.dictionaries(st.sampled_from(SERIES_CHECKS), st.sampled_from(Verdict)))
def test_any_answers_have_a_verdict_with_reasons(verdicts: dict[CheckName, Verdict]) -> None:
    """Whatever the checks answer, anything but healthy says why, and every failure is told."""
    results = [CheckResult(check=check, verdict=verdict, reason="why") for check, verdict in verdicts.items()]

    health, reasons = judge(results)

    assert health is Health.HEALTHY or reasons
    for check, verdict in verdicts.items():
        if verdict is Verdict.FAIL:
            assert f"{check}: why" in reasons


@given(
    st.fixed_dictionaries({check: st.sampled_from(Verdict) for check in SERIES_CHECKS}),
    st.sampled_from(SERIES_CHECKS),
)
def test_a_worse_answer_never_betters_the_health(verdicts: dict[CheckName, Verdict], check: CheckName) -> None:
    """A check that fails instead leaves the health as it was or makes it worse."""

    def health_of(answers: dict[CheckName, Verdict]) -> int:
        return RANK.index(judge([CheckResult(check=c, verdict=v, reason="why") for c, v in answers.items()])[0])

    assert health_of({**verdicts, check: Verdict.FAIL}) >= health_of({**verdicts, check: Verdict.OK})


@given(st.sets(st.sampled_from(["artifact", "age", "lag", "out_of_range"]), min_size=1))
def test_what_was_not_judged_is_never_healthy(missing: set[str]) -> None:
    """Each of the essential checks must have been judged, whether it is unknown or was not done."""
    left_out = [result for result in results_of() if result.check not in missing]

    assert judge(results_of(**dict.fromkeys(missing, Verdict.UNKNOWN)))[0] is Health.UNKNOWN
    assert judge(left_out)[0] is Health.UNKNOWN
    assert judge([])[0] is Health.UNKNOWN


def test_failures_are_told_before_warnings() -> None:
    """The first reason is the worst."""
    _, reasons = judge(results_of(age=Verdict.WARN, unit_change=Verdict.FAIL))

    assert reasons == ("unit_change: why unit_change", "age: why age")


def test_severity_follows_the_verdict() -> None:
    """A warning warns, a failure is critical, what is fine resolves, and of an unknown nothing is told."""
    results = results_of(age=Verdict.WARN, lag=Verdict.FAIL, latency=Verdict.UNKNOWN)
    model_id = uuid4()

    told = {seen.check: seen for seen in observe_results(results, series_id=7, model_id=model_id)}

    assert told["age"].severity is Severity.WARNING
    assert told["lag"].severity is Severity.CRITICAL
    assert told["artifact"].severity is None
    assert "latency" not in told
    assert (told["lag"].series_id, told["lag"].model_id, told["lag"].message) == (7, model_id, "why lag")
