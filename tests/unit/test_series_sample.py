"""The sample of a fleet: repeatable, of whole devices, and steady as the fleet grows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.series import SeriesKey
from ml_core.domain.series_sample import draw_series

FLEET = [SeriesKey(device=f"PUMP-{i}", metric=metric) for i in range(100) for metric in ("flow", "pressure")]


@given(size=st.integers(1, 300), seed=st.integers(0, 10))
def test_the_draw_hangs_on_the_seed_alone(size: int, seed: int) -> None:
    """In whatever order the series come, the same ones are drawn, each once."""
    drawn = draw_series(FLEET, size=size, seed=seed)

    assert drawn == draw_series(FLEET[::-1], size=size, seed=seed)
    assert len(set(drawn)) == len(drawn) == min(size, len(FLEET))


def test_metrics_of_a_device_stay_together() -> None:
    """Their alarms are told together, so half of a device would tell another story."""
    drawn = draw_series(FLEET, size=20, seed=3)

    assert len({key.device for key in drawn}) == 10


def test_another_seed_draws_others() -> None:
    """Who doubts a sample draws another one."""
    assert draw_series(FLEET, size=20, seed=0) != draw_series(FLEET, size=20, seed=1)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    """What was seen on ten series is seen on twenty as well."""
    assert set(draw_series(FLEET, size=10, seed=0)) < set(draw_series(FLEET, size=20, seed=0))
