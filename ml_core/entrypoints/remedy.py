"""What the plugin can try by itself against a finding, when a host asks it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ml_core.bootstrap import Platform
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.incidents.finding import Finding
from ml_core.domain.incidents.runbook import CHECKS
from ml_core.domain.series_record import SeriesState
from ml_core.domain.task import Outcome
from ml_core.entrypoints.runner import run_task


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A task that may mend a fault, and the one whose check then says whether it did."""

    task: str
    check: str = "ml_health_check"


REMEDIES: Mapping[str, Remedy] = {
    CheckName.ARTIFACT: Remedy(task="ml_retrain"),
    CheckName.AGE: Remedy(task="ml_retrain"),
    CheckName.TRAINING_FAILURES: Remedy(task="ml_retrain"),
    CheckName.DRIFT: Remedy(task="ml_retrain", check="ml_degradation"),
    CheckName.SCORING_STALLED: Remedy(task="ml_score"),
    CheckName.HEARTBEAT: Remedy(task="ml_health_check"),
}
"""By check; exactly those that the runbook calls fixable."""


def is_fixable(check: str) -> bool:
    """Whether there is anything to try."""
    return check in CHECKS and CHECKS[check].fixable


def apply_remedy(platform: Platform, finding: Finding, *, now: datetime) -> str:
    """Run the tasks of the finding's remedy for its series, each in a slot of its own; what they did, in words."""
    remedy = REMEDIES[finding.check]
    first = _replace_retrain(platform, finding) if remedy.task == "ml_retrain" else remedy.task
    tasks = dict.fromkeys((first, remedy.check))
    # A slot of its own for each finding, also where several are mended at one moment.
    slot = now.replace(microsecond=finding.finding_id % 1_000_000)
    params = {} if finding.series_id is None else {"series": f"@{finding.series_id}"}
    told = []
    for task in tasks:
        result = run_task(platform, task, now=now, slot=slot, params=params)
        told.append(f"{task} {result.outcome.value}" + (f" ({result.reason})" if result.reason else ""))
        if result.outcome in (Outcome.FAILED, Outcome.INTERRUPTED):
            break
    return ", ".join(told)


def _replace_retrain(platform: Platform, finding: Finding) -> str:
    """A series that has no model yet gets its first one from discovery."""
    records = [] if finding.key is None else platform.series.list_series(keys=[finding.key])
    has_model = any(record.state is SeriesState.MODELLED for record in records)
    return "ml_retrain" if has_model else "ml_discover"
