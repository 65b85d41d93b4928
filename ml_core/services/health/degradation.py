"""The daily degradation check: test every model, judge them together, tell what is degraded."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.check_names import CheckName
from ml_core.domain.checks.grading import not_judged
from ml_core.domain.degradation.fleet_drift import (
    FleetVerdict,
    TestedModel,
    assess_fleet,
    count_before,
    observe_canary,
    observe_common_mode,
)
from ml_core.domain.degradation.null_canary import draw_split
from ml_core.domain.incidents.finding import Finding, Observation, Severity
from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.policies import DriftPolicy
from ml_core.domain.series_record import SeriesRecord
from ml_core.domain.task import ItemOutcome, RunItem
from ml_core.errors import DatabaseUnavailableError
from ml_core.ports.check_log import CheckLog
from ml_core.ports.finding_ledger import FindingLedger
from ml_core.ports.model_registry import ModelRegistry
from ml_core.ports.series_registry import SeriesRegistry
from ml_core.services.health.drift_tests import Candidate, DriftTester
from ml_core.services.health.drift_writer import DriftTally, DriftWriter
from ml_core.services.named_series import list_named
from ml_core.services.runs import RunRecorder

logger = logging.getLogger(__name__)

DATA_FINDINGS = (CheckName.LAG, CheckName.COVERAGE, CheckName.FLATLINE, CheckName.UNIT_CHANGE)
"""What is wrong with the data is told as such; to call it drift as well would blame the model."""


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """One degradation check of the fleet."""

    series: SeriesRegistry
    models: ModelRegistry
    tester: DriftTester
    checks: CheckLog
    findings: FindingLedger
    writer: DriftWriter
    policy: DriftPolicy
    series_per_batch: int
    now: datetime

    def check(self, run: RunRecorder, *, only: str | None = None) -> DriftTally:
        """Test and judge every model, or the named series' one.

        A resumed run tests all of them again, since the verdict on one depends on the others, and saves those
        that are not saved yet.
        """
        tally = DriftTally()
        records = list_named(self.series, only)
        serving = {model.series_id: model for model in self.models.list_versions(statuses=[ModelStatus.ACTIVE])}
        records = [record for record in records if record.series_id in serving]
        tally.series_ids.extend(record.series_id for record in records)
        results, failed = self._test_all(records, serving, run)
        tested = [answer for answer in results.values() if isinstance(answer, TestedModel)]
        fleet = assess_fleet(tested, policy=self.policy)
        verdicts = dict(fleet.results) | {
            series_id: answer for series_id, answer in results.items() if isinstance(answer, CheckResult)
        }
        if only is not None:
            verdicts = self._show_only(verdicts, run, tally)
        for start in range(0, len(records), self.series_per_batch):
            shard = [record.series_id for record in records[start : start + self.series_per_batch]]
            self.writer.write(shard, verdicts, failed, serving, run, tally)
        if tested and only is None:
            self.writer.observe(_observe_fleet(fleet), tally)
        n_judged = sum(result.verdict is not Verdict.UNKNOWN for result in verdicts.values())
        tally.counts.update(models=len(records), tested=n_judged, common_modes=len(fleet.common))
        tally.canary = fleet.canary
        return tally

    def _show_only(
        self, verdicts: Mapping[int, CheckResult], run: RunRecorder, tally: DriftTally
    ) -> dict[int, CheckResult]:
        """Drift of a series that is tested alone is told and held against nobody; what is left counts.

        Without the rest of the fleet nothing keeps false calls rare, and a look at any hour is no second check.
        """
        drifting = {id_: result for id_, result in verdicts.items() if result.verdict in (Verdict.WARN, Verdict.FAIL)}
        tally.counts.update(f"drift_{result.verdict.value}" for result in drifting.values())
        for series_id, result in drifting.items():
            told = f"{result.reason}; of one series alone this is told and does not count"
            run.record([RunItem(series_id=series_id, outcome=ItemOutcome.SUCCEEDED, reason=told)])
            tally.shown.append(
                Observation(check=result.check, series_id=series_id, severity=Severity.WARNING, message=told)
            )
        return {series_id: result for series_id, result in verdicts.items() if series_id not in drifting}

    def _test_all(
        self, records: Sequence[SeriesRecord], serving: Mapping[int, ModelVersion], run: RunRecorder
    ) -> tuple[dict[int, TestedModel | CheckResult], dict[int, str]]:
        open_findings = self._open_data_findings()
        results: dict[int, TestedModel | CheckResult] = {}
        failed: dict[int, str] = {}
        for start in range(0, len(records), self.series_per_batch):
            run.stop_if_asked()
            shard = records[start : start + self.series_per_batch]
            candidates = self._candidates(shard, serving, run, fleet=len(records))
            for candidate in candidates:
                finding = open_findings.get(candidate.record.series_id)
                if finding is not None:
                    told = f"not tested: {finding.check} is open since {finding.opened_at:%Y-%m-%d %H:%M} UTC"
                    results[candidate.record.series_id] = not_judged(CheckName.DRIFT, told)
            untold = [candidate for candidate in candidates if candidate.record.series_id not in results]
            answers, broken = self._test_shard(untold)
            results |= answers
            failed |= broken
            run.progress("models tested", min(start + self.series_per_batch, len(records)), len(records))
        return results, failed

    def _test_shard(
        self, candidates: Sequence[Candidate]
    ) -> tuple[dict[int, TestedModel | CheckResult], dict[int, str]]:
        try:
            return self.tester.test(candidates), {}
        except DatabaseUnavailableError:
            raise
        except Exception as exc:  # one of them fails: each alone, so that the others are told
            logger.exception("%d models are tested one by one: %s", len(candidates), exc)
        answers: dict[int, TestedModel | CheckResult] = {}
        broken: dict[int, str] = {}
        for candidate in candidates:
            try:
                answers |= self.tester.test([candidate])
            except DatabaseUnavailableError:
                raise
            except Exception as exc:  # told in the run's items
                logger.exception("the test of %s failed", candidate.record.key)
                broken[candidate.record.series_id] = f"{type(exc).__name__}: {exc}"
        return answers, broken

    def _candidates(
        self, records: Sequence[SeriesRecord], serving: Mapping[int, ModelVersion], run: RunRecorder, *, fleet: int
    ) -> list[Candidate]:
        ids = [record.series_id for record in records]
        before_run_id = None if run.run is None else run.run.run_id
        # A check of nearly the same readings, such as a run by hand after the nightly one, is no second witness.
        other = self.now - timedelta(hours=self.policy.live_hours / 2)
        last = self.checks.latest_of_each(ids, checks=[CheckName.DRIFT], before_run_id=before_run_id, until=other)
        return [
            Candidate(
                record=record,
                model=serving[record.series_id],
                before=count_before(last.get(record.series_id, ()), serving[record.series_id]),
                null_at=draw_split(record.series_id, self.now.date(), fleet=fleet, most=self.policy.canary_models),
            )
            for record in records
        ]

    def _open_data_findings(self) -> dict[int, Finding]:
        """By series what is wrong with its data for sure; a mere warning does not keep drift from being told."""
        return {
            finding.series_id: finding
            for finding in self.findings.list_open(now=self.now, checks=DATA_FINDINGS)
            if finding.series_id is not None and finding.severity is Severity.CRITICAL
        }


def _observe_fleet(fleet: FleetVerdict) -> list[Observation]:
    """What is told of no single series; without a single split nothing is known of the canary."""
    told = [observe_common_mode(fleet.common)]
    return [*told, observe_canary(fleet.canary)] if fleet.canary.splits else told
