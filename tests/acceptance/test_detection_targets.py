"""What the detectors promise on the development series, where those are at hand: docs/detection.md."""

from __future__ import annotations

import pytest

from benchmarks.quality.corpus import Group, find_data, load_groups
from ml_core.domain.detectors.detector_kinds import detector_of_kind
from ml_core.domain.evaluation.bootstrap import Estimate
from ml_core.domain.evaluation.quality import Quality, assess
from ml_core.domain.evaluation.scorer import DetectorScorer, join_metrics, score_series
from ml_core.errors import ConfigurationError


@pytest.fixture(scope="module")
def groups() -> dict[str, Group]:
    """The development series by group."""
    try:
        folder = find_data(None)
    except ConfigurationError as exc:
        pytest.skip(str(exc))
    return {group.name: group for group in load_groups(folder)}


def judge(group: Group, kind: str) -> Quality:
    """Every measure of a kind over a group."""
    scorer = DetectorScorer(detector=detector_of_kind(kind))
    return assess(
        [
            join_metrics(unit.name, [score_series(metric, scorer) for metric in unit.metrics])
            if len(unit.metrics) > 1
            else score_series(unit.metrics[0], scorer)
            for unit in group.units
        ]
    )


def value(estimate: Estimate | None) -> float:
    """The figure of an estimate that must be there."""
    assert estimate is not None
    return estimate.value


def test_few_false_alarms_and_early_true_ones(groups: dict[str, Group]) -> None:
    """NAB's series at one default threshold for all of them."""
    quality = judge(groups["nab"], "adaptive")
    assert value(quality.vus_pr) >= 0.39
    assert value(quality.false_alarms_per_1000) <= 0.5
    assert value(quality.skill) >= 0.55
    assert value(quality.nab) >= 63
    assert value(quality.nab_optimum) >= 66


def test_quiet_where_nothing_happens(groups: dict[str, Group]) -> None:
    """The artificial series without an anomaly."""
    quality = judge(groups["no-anomaly"], "adaptive")
    assert value(quality.false_alarms_per_1000) <= 0.6


def test_a_device_is_told_at_the_onset_and_while_the_fault_stays(groups: dict[str, Group]) -> None:
    """SKAB: the adaptive alarm tells where a fault begins, the frozen reference that it stays."""
    assert value(judge(groups["skab"], "adaptive").skill) >= 0.30
    assert value(judge(groups["skab"], "isolation_forest").vus_pr) >= 0.86
