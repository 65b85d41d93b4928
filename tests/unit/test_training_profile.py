"""What checks read from a model's description."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from ml_core.domain.model_version import ModelStatus, ModelVersion
from ml_core.domain.training.training_profile import TrainingProfile

END = datetime(2025, 6, 1, tzinfo=UTC)


def model_with(metadata: dict[str, Any]) -> ModelVersion:
    """A version with that description, trained on a day."""
    return ModelVersion(
        model_id=uuid4(),
        series_id=1,
        version=1,
        kind="isolation_forest",
        status=ModelStatus.ACTIVE,
        created_at=END,
        training_from=END - timedelta(seconds=143 * 600),
        training_to=END,
        metadata=metadata,
    )


def test_coverage_of_a_full_window_is_one() -> None:
    """144 readings at ten minutes fill their window."""
    profile = TrainingProfile.of_model(model_with({"median_interval_s": 600.0, "n_readings": 144}))

    assert profile.coverage == pytest.approx(1.0)


def test_coverage_of_an_irregular_window_is_its_share() -> None:
    """Half of the readings, half of the coverage."""
    profile = TrainingProfile.of_model(model_with({"median_interval_s": 600.0, "n_readings": 72}))

    assert profile.coverage == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("version", "metadata", "rate"),
    [
        ({"contamination": 0.05, "target_alarm_rate": 0.001}, {}, 0.05),
        ({"target_alarm_rate": 0.001}, {}, 0.001),
        ({}, {"contamination": 0.02, "target_alarm_rate": 0.001}, 0.02),
        ({}, {"contamination": "auto", "target_alarm_rate": 0.001}, 0.001),
        ({}, {}, None),
    ],
)
def test_alarms_are_held_against_the_quota_where_there_is_one(
    version: dict[str, Any], metadata: dict[str, Any], rate: float | None
) -> None:
    """A model that was told to call one reading in twenty anomalous is not blamed for doing so."""
    assert TrainingProfile.of_model(replace(model_with(metadata), **version)).expected_alarm_rate == rate


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"median_interval_s": 0, "value_min": "low", "quantiles": [1]},
        {"median_interval_s": float("nan"), "value_min": True, "quantiles": "many"},
        {"median_interval_s": None, "value_min": None, "quantiles": [1, float("inf")]},
        {"quantiles": [1, "two"]},
    ],
)
def test_a_description_that_lacks_or_garbles_figures_is_unknown(metadata: dict[str, Any]) -> None:
    """Nothing is made up where the model does not say."""
    assert TrainingProfile.of_model(model_with(metadata)) == TrainingProfile()
