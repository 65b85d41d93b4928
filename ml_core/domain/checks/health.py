"""From the checks of one series to its health, and to what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.incidents.finding import Observation, Severity
from ml_core.domain.series_record import Health
from ml_core.domain.state_machine import StateMachine, Step

_BROKEN = frozenset({CheckName.ARTIFACT, CheckName.SCORING_STALLED})
_NO_DATA = frozenset({CheckName.LAG})
_DEGRADED = frozenset(
    {
        CheckName.DRIFT,
        CheckName.OUT_OF_RANGE,
        CheckName.UNIT_CHANGE,
        CheckName.ALARM_RATE,
        CheckName.LATENCY,
        CheckName.FALSE_POSITIVE_RATE,
    }
)
_BLINDING = frozenset({CheckName.FLATLINE, CheckName.COVERAGE})
"""A stuck or mostly silent sensor is not the model's fault, but nothing can be said of the model meanwhile."""
_ESSENTIAL = frozenset({CheckName.ARTIFACT, CheckName.AGE, CheckName.LAG, CheckName.OUT_OF_RANGE})
"""Nothing is called healthy unless each of these was judged."""


def _judged(verdict: Health, when: str) -> Step[Health]:
    return Step(source=None, target=verdict, when=when)


HEALTH_LIFE = StateMachine(
    subject="the health of a series",
    initial=Health.UNKNOWN,
    steps=(
        _judged(Health.BROKEN, "artifact lost, or readings arrive and are not scored"),
        _judged(Health.NO_DATA, "its readings lag behind"),
        _judged(Health.DEGRADED, "drift, range, unit, alarm rate, latency or false alarms fail"),
        _judged(Health.STALE, "its model is too old"),
        _judged(Health.UNKNOWN, "an essential check could not be judged, or its sensor is stuck or silent"),
        _judged(Health.HEALTHY, "every essential check was judged and none fails"),
        _judged(Health.MUTED, "a person keeps it quiet, whatever its verdict"),
    ),
)
"""Health has no memory: each daily check judges anew from whatever stood before, the first line that holds."""


def judge(results: Sequence[CheckResult]) -> tuple[Health, tuple[str, ...]]:
    """The health of one series and the reasons for it, the worst first.

    The first that holds: broken, no data, degraded, stale, unknown, healthy. Reasons tell every check that
    warns or fails, and of a series that cannot be judged what is missing.
    """
    failed = {result.check for result in results if result.verdict is Verdict.FAIL}
    wrong = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.WARN)]
    reasons = [_tell(result) for result in sorted(wrong, key=lambda result: result.verdict is Verdict.WARN)]
    if failed & _BROKEN:
        return Health.BROKEN, tuple(reasons)
    if failed & _NO_DATA:
        return Health.NO_DATA, tuple(reasons)
    if failed & _DEGRADED:
        return Health.DEGRADED, tuple(reasons)
    if any(result.check == CheckName.AGE for result in wrong):
        return Health.STALE, tuple(reasons)
    missing = _not_judged(results)
    if failed & _BLINDING or missing:
        return Health.UNKNOWN, (*reasons, *missing)
    return Health.HEALTHY, tuple(reasons)


def _not_judged(results: Sequence[CheckResult]) -> list[str]:
    by_check = {result.check: result for result in results}
    told = []
    for check in sorted(_ESSENTIAL):
        result = by_check.get(check)
        if result is None:
            told.append(f"{check}: not checked")
        elif result.verdict is Verdict.UNKNOWN:
            told.append(_tell(result))
    return told


def _tell(result: CheckResult) -> str:
    return f"{result.check}: {result.reason}"


def observe_results(
    results: Sequence[CheckResult], *, series_id: int | None, model_id: UUID | None = None
) -> list[Observation]:
    """What the findings ledger is told: wrong with a severity, fine again, or of an unknown nothing at all."""
    return [
        Observation(
            check=result.check,
            series_id=series_id,
            severity=_severity_of(result.verdict),
            message=result.reason,
            model_id=model_id,
            value=result.value,
            threshold=result.threshold,
            evidence=result.evidence,
        )
        for result in results
        if result.verdict is not Verdict.UNKNOWN
    ]


def _severity_of(verdict: Verdict) -> Severity | None:
    match verdict:
        case Verdict.FAIL:
            return Severity.CRITICAL
        case Verdict.WARN:
            return Severity.WARNING
        case Verdict.OK | Verdict.UNKNOWN:
            return None
        case _:
            assert_never(verdict)
