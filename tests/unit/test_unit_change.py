"""A sensor that begins to report in another unit is told as such."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_core.domain.checks.check import CheckResult, Verdict
from ml_core.domain.checks.data_checks import LiveWindow
from ml_core.domain.checks.unit_change import CONVERSIONS, Conversion, Dimension, check_unit_change, dimension_of
from ml_core.domain.series import Readings, to_instant
from ml_core.domain.training.training_profile import TrainingProfile

NOW = datetime(2025, 6, 1, 2, tzinfo=UTC)


def month_of(level: float, spread: float, seed: int = 0) -> NDArray[np.float64]:
    """Four weeks of ten-minute readings with a daily wave and slow noise."""
    rng = np.random.default_rng(seed)
    n = 4032
    noise = np.convolve(rng.normal(size=n + 11), np.ones(12) / 12, "valid")
    return level + spread * (np.sin(np.arange(n) * 2 * np.pi / 144) + noise)


def ask(training: NDArray[np.float64], live: NDArray[np.float64], metric: str) -> CheckResult:
    """The check on live readings that have left the training range."""
    stamps = to_instant(NOW) - (np.arange(live.size)[::-1] * 600).astype("timedelta64[s]")
    window = LiveWindow(start=NOW - timedelta(days=1), end=NOW, readings=Readings.clean(stamps, live))
    profile = TrainingProfile(
        value_min=float(training.min()),
        value_max=float(training.max()),
        quantiles=np.quantile(training, np.linspace(0, 1, 101)),
    )
    return check_unit_change(window, profile, out_of_range=Verdict.FAIL, metric=metric)


def convert(conversion: Conversion, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same readings in the new unit."""
    return values * conversion.factor + conversion.offset


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=lambda conversion: conversion.words)
def test_every_known_conversion_is_found(conversion: Conversion) -> None:
    """A day in the new unit is told as that change, by a name that tells the dimension."""
    training = month_of(280.0 if "kelvin to" in conversion.words else 20.0, 2.0)
    metric = "value" if conversion.dimension is Dimension.ANY else conversion.dimension.value

    result = ask(training, convert(conversion, training[-144:]), metric)

    assert result.verdict is Verdict.FAIL
    assert result.evidence["factor"] == pytest.approx(conversion.factor)
    assert result.evidence["offset"] == pytest.approx(conversion.offset)


def test_words_name_factor_and_units() -> None:
    """A person reads what happened."""
    training = month_of(20.0, 2.0)

    result = ask(training, training[-144:] * 3.6, "water_flow")

    assert result.reason == (
        "the readings look like the training values x 3.6 (litres per second to cubic metres per hour)"
    )


def test_celsius_to_fahrenheit_is_told_with_its_offset() -> None:
    """Factor and offset both stand in the words."""
    training = month_of(20.0, 2.0)

    result = ask(training, training[-144:] * 1.8 + 32, "temperature")

    assert "the training values x 1.8 + 32 (degrees Celsius to degrees Fahrenheit)" in result.reason


def test_a_change_in_the_middle_of_the_day_is_dated() -> None:
    """Only the readings since the change are compared, and its time is told."""
    training = month_of(20.0, 2.0)
    live = training[-144:].copy()
    live[100:] *= 3.6

    result = ask(training, live, "flow")

    assert result.verdict is Verdict.FAIL
    assert result.evidence["since"] == (NOW - timedelta(seconds=43 * 600)).isoformat()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1000), st.sampled_from(["value", "temperature", "flow", "pressure"]))
def test_readings_that_scatter_wildly_are_no_change_of_unit(seed: int, metric: str) -> None:
    """Noise over many scales is brought back into range by no conversion."""
    training = month_of(20.0, 2.0)
    live = np.random.default_rng(seed).uniform(-1e4, 1e4, 144)

    assert ask(training, live, metric).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("out_of_range", "verdict"),
    [(Verdict.OK, Verdict.OK), (Verdict.WARN, Verdict.OK), (Verdict.UNKNOWN, Verdict.UNKNOWN)],
)
def test_it_is_asked_only_where_the_range_fails(out_of_range: Verdict, verdict: Verdict) -> None:
    """Readings in range have their unit; of an unknown range nothing is known."""
    window = LiveWindow(start=NOW, end=NOW, readings=Readings.clean([], []))

    result = check_unit_change(window, TrainingProfile(), out_of_range=out_of_range, metric="flow")

    assert result.verdict is verdict


@pytest.mark.parametrize(
    ("metric", "dimension"),
    [("Temp_1", Dimension.TEMPERATURE), ("inlet_pressure", Dimension.PRESSURE), ("rpm", Dimension.ANY)],
)
def test_the_metrics_name_tells_its_dimension(metric: str, dimension: Dimension) -> None:
    """Names of metrics hint at their unit."""
    assert dimension_of(metric) is dimension
