"""A chart in one line of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.incidents.sparkline import draw_sparkline


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "▁▂▃▄▅▆▇█"),
        ([3.0, 3.0], "▄▄"),
        ([0.0, float("nan"), 1.0], "▁ █"),
        ([float("inf")], ""),
    ],
)
def test_what_is_drawn(values: list[float], drawn: str) -> None:
    """From the smallest to the largest; a level course is a line, a gap stays one."""
    assert draw_sparkline(values) == drawn


@given(st.lists(st.floats(), max_size=30))
def test_any_figures_are_one_line_as_long_as_they_are(values: list[float]) -> None:
    """Also the largest floats, and those that are none."""
    drawn = draw_sparkline(values)

    assert len(drawn) in (0, len(values))
    assert set(drawn) <= set("▁▂▃▄▅▆▇█ ")
