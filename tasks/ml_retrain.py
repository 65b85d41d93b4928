"""Train models anew that are old, degraded or damaged, and let them serve only through the gate."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from ml_core.bootstrap import TaskContext
from ml_core.domain.schedule import next_slot
from ml_core.domain.task import TaskReport
from ml_core.domain.training.retrain_rules import Acceptance
from ml_core.errors import ConfigurationError
from ml_core.manifest import load_manifest
from ml_core.services.training.acceptance import DriftAcceptance
from ml_core.services.training.attempt_loader import AttemptLoader
from ml_core.services.training.challengers import Challengers
from ml_core.services.training.first_day import FirstDay
from ml_core.services.training.retraining import Retraining
from ml_core.services.training.shadows import ShadowJudge

TASK = "ml_retrain"


def run(
    context: TaskContext,
    *,
    series: str | None = None,
    accepted_by: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    force: bool | None = None,
) -> TaskReport:
    """Retrain what is due in the fleet, or look only at the series named DEVICE:METRIC.

    With `force` that series is trained whether it is due or not, and the gate decides as ever.
    With `accepted_by` that series is trained at once on what came since it moved, because a person says so.
    """
    retraining = _assemble(context)
    if series is None and (force or accepted_by is not None):
        raise ConfigurationError("force and accepted_by are for one series: give series as DEVICE:METRIC")
    if series is None or accepted_by is None:
        tally = retraining.retrain(context.run, only=series, force=bool(force))
        why = retraining.tell_idle(series) if series is not None and tally.is_idle else None
        return TaskReport(counts=asdict(tally), failures=tally.failed, skipped_reason=why)
    acceptance = Acceptance(by=accepted_by, reason=reason or "", since=_parse_moment(since))
    tally, words = DriftAcceptance(retraining=retraining).accept(context.run, series, acceptance)
    nothing_came = words if tally.promoted == tally.failed == 0 else None
    return TaskReport(counts=asdict(tally), failures=tally.failed, skipped_reason=nothing_came)


def _parse_moment(told: str | None) -> datetime | None:
    """A parameter of the host as a moment in time with its zone."""
    try:
        moment = None if told is None else datetime.fromisoformat(told)
    except ValueError as exc:
        raise ConfigurationError(f"since is {told!r}, which is no moment; write 2026-01-31T02:00:00Z") from exc
    if moment is not None and moment.tzinfo is None:
        raise ConfigurationError(f"since is {told!r}, which has no time zone; add Z for UTC")
    return moment


def _assemble(context: TaskContext) -> Retraining:
    platform, settings, now = context.platform, context.settings, context.now
    trainer, promotion = platform.trainer(context.run, now=now), platform.promotion(now=now)
    setbacks = platform.setbacks(now=now)
    return Retraining(
        promotion=promotion,
        first_day=FirstDay(
            telemetry=platform.telemetry,
            artifacts=platform.artifacts,
            promotion=promotion,
            setbacks=setbacks,
            policy=settings.retrain,
            gate=settings.gate,
            expected_alarm_rate=trainer.expected_alarm_rate,
            now=now,
        ),
        shadows=ShadowJudge(
            telemetry=platform.telemetry,
            artifacts=platform.artifacts,
            promotion=promotion,
            setbacks=setbacks,
            policy=settings.retrain,
            gate=settings.gate,
            expected_alarm_rate=trainer.expected_alarm_rate,
            now=now,
        ),
        challengers=Challengers(
            loader=AttemptLoader(
                telemetry=platform.telemetry,
                artifacts=platform.artifacts,
                gold=platform.gold,
                verdicts=platform.verdicts,
                calendar=platform.calendar,
                training=settings.training,
                drift=settings.drift,
                now=now,
            ),
            trainer=trainer,
            promotion=promotion,
            setbacks=setbacks,
            gate=settings.gate,
            now=now,
        ),
        policy=settings.retrain,
        series_per_batch=settings.training.series_per_batch,
        now=now,
        next_run_at=next_slot(load_manifest().task(TASK).schedule, now),
        dry_run=context.dry_run,
    )
